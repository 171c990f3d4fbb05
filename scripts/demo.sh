#!/bin/sh
# Installs the Debian packages, builds, and classifies the sample photograph with the model that ships. Further words are
# given to `intvit classify` in place of the sample.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
"$here/scripts/install-deps.sh"
cd "$here"
cmake --preset release >build-demo.log 2>&1 && cmake --build --preset release --target intvit >>build-demo.log 2>&1 || {
  tail -n 30 build-demo.log >&2
  echo "the build failed; all of its output is in build-demo.log" >&2
  exit 1
}
rm -f build-demo.log
if [ $# -eq 0 ]; then
  set -- docs/sample/chelsea.png
fi
exec build/release/bin/intvit classify "$@"
