#!/bin/sh
# Installs the Debian packages, builds, and classifies the sample photograph with the model that ships. Further words are
# given to `intvit classify` in place of the sample. Says on stderr what it does and how long that may take.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
start=$(date +%s)
say() {
  now=$(($(date +%s) - start))
  printf '%2d:%02d  %s\n' $((now / 60)) $((now % 60)) "$1" >&2
}

say "1 of 3: the Debian packages that are missing"
"$here/scripts/install-deps.sh"
cd "$here"
say "2 of 3: the build (about eight minutes of one processor's work; here are $(nproc))"
# What ninja says of every step, "[12/126] Building ...", is shown in steps of a tenth, with the time that is left.
build() {
  cmake --preset release && cmake --build --preset release --target intvit
}
rm -f build-demo.log build-demo.failed
{ build 2>&1 || touch build-demo.failed; } | tee build-demo.log | awk -v begin="$(date +%s)" '
  match($0, /^\[[0-9]+\/[0-9]+\]/) {
    split(substr($0, 2, RLENGTH - 2), step, "/")
    tenth = int(10 * step[1] / step[2])
    if (tenth <= last || tenth >= 10)
      next
    last = tenth
    "date +%s" | getline now
    close("date +%s")
    spent = now - begin
    left = int(spent * (step[2] - step[1]) / step[1])
    printf "       %d %% built, about %d:%02d left\n", 10 * tenth, left / 60, left % 60 > "/dev/stderr"
  }'
if [ -e build-demo.failed ]; then
  rm -f build-demo.failed
  tail -n 30 build-demo.log >&2
  echo "the build failed; all of its output is in build-demo.log" >&2
  exit 1
fi
rm -f build-demo.log
if [ $# -eq 0 ]; then
  set -- docs/sample/chelsea.png
fi
say "3 of 3: build/release/bin/intvit classify $*"
exec build/release/bin/intvit classify "$@"
