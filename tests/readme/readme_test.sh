#!/bin/sh
# Does what README.md and docs/embedding.md tell their readers to do, so that it stays true.
#
#   readme_test.sh commands PROGRAM    lines of README.md's ```sh blocks that begin with intvit, in a folder that holds
#                                      what they name: float weights, a few photographs, class names. All other lines
#                                      have to be commands that .ci/run or the tests run
#   readme_test.sh snippets CC CXX     ```c and ```cpp blocks of both have to compile. Python's are run by
#                                      python/tests
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
kind=$1
shift
data=${INTVIT_DATA:-$root/../shared/data}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "FAILED: $*"
  exit 1
}

# The lines of a file's blocks of a language; blocks are parted by a line of two slashes.
blocks() {
  awk -v fence="\`\`\`$2" '/^```/ { inside = ($0 == fence); if (inside) print "//"; next } inside' "$1"
}

# compile LANGUAGE COMPILER...
compile() {
  language=$1
  shift
  for document in README.md docs/embedding.md; do
    blocks "$root/$document" "$(echo "$language" | sed s/++/pp/)" >"$work/blocks"
    csplit -s -z -f "$work/block." "$work/blocks" '/^\/\/$/' '{*}'
    for block in "$work"/block.*; do
      [ -e "$block" ] || continue
      "$@" -Wall -Wextra -Werror -fsyntax-only -I "$root/engine/include" -x "$language" "$block" 2>"$work/err" ||
        fail "$document: $(cat "$work/err" "$block")"
      compiled=$((compiled + 1))
    done
    rm -f "$work"/block.*
  done
}

if [ "$kind" = snippets ]; then
  compiled=0
  compile c "$1" -std=c11
  compile c++ "$2" -std=c++17 -fno-exceptions -fno-rtti
  [ "$compiled" -ge 3 ] || fail "only $compiled snippets were found"
  echo "ok: $compiled snippets"
  exit 0
fi
program=$1
data=${INTVIT_DATA:-$root/../shared/data}

blocks "$root/README.md" sh | sed -e 's/  *#.*$//' -e '/^$/d' -e '/^\/\/$/d' >"$work/commands"
[ "$(grep -c '^intvit ' "$work/commands")" -ge 5 ] || fail "README.md's commands were not found: $(cat "$work/commands")"

# Those of builds and tests: each is part of a stage of .ci/run.
grep -v '^intvit ' "$work/commands" >"$work/others" || true
while read -r line; do
  case $line in
  "cmake --preset release && cmake --build --preset release" | "pip install .") ;; # scripts/test.sh, scripts/test-python.sh
  scripts/*)
    grep -qF -e "$line" "$root/.ci/run" "$root/scripts/test-all.sh" ||
      fail "$line: neither .ci/run nor scripts/test-all.sh runs it"
    ;;
  *) fail "$line: nothing runs this" ;;
  esac
done <"$work/others"

if [ ! -d "$data/imagenet/val" ]; then
  [ -z "${INTVIT_REQUIRE_DATA:-}" ] || fail "$data/imagenet/val is not there, and INTVIT_REQUIRE_DATA is set"
  echo "[skipped] needs imagenet/ and weights/ of the data folder (set INTVIT_DATA)"
  exit 0
fi
mkdir "$work/bin" "$work/here" "$work/here/photographs" "$work/here/images"
ln -s "$program" "$work/bin/intvit"
cd "$work/here"
ln -s "$data"/weights/*.safetensors .
ln -s "$data/imagenet/classes.txt" classes.txt
for photograph in $(ls "$data/imagenet/calib" | grep -i 'jpe*g$' | head -n 16); do
  ln -s "$data/imagenet/calib/$photograph" photographs/
done
head -n 9 "$data/imagenet/val/labels.csv" >labels.csv
tail -n +2 labels.csv | cut -d, -f1 | while read -r photograph; do
  ln -s "$data/imagenet/val/$photograph" images/
done
cp "$root/docs/sample/chelsea.png" photo.png

grep '^intvit ' "$work/commands" >"$work/programs"
while read -r line; do
  echo "$line"
  PATH=$work/bin:$PATH INTVIT_MODEL=$root/models/zoo/cifar10_vit.safetensors sh -e -c "$line" >"$work/out" 2>"$work/err" ||
    fail "$line: $(cat "$work/err")"
  case $line in
  *" -o "*) ;;
  *) [ -s "$work/out" ] || fail "$line: prints nothing" ;;
  esac
done <"$work/programs"
echo "ok"
