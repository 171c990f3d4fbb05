#!/bin/sh
# Installs the Debian packages, builds and runs the tests. Ends with ctest's summary; fails if any test fails.
#
#   scripts/test.sh [PRESET ...]      presets to test one after the other: release, debug, asan, aarch64
#                                     (default: release, and aarch64 where that is not what this machine is)
#
# aarch64 is a cross build whose tests run in an emulator: those that depend on the instruction set.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
cd "$here"
if [ $# -eq 0 ]; then
  set -- release
  [ "$(uname -m)" = aarch64 ] || set -- release aarch64
fi
for preset; do
  echo "== $preset"
  "$here/scripts/install-deps.sh" "$preset"
  cmake --preset "$preset" -DINTVIT_TESTS=ON >/dev/null
  cmake --build --preset "$preset"
  ctest --preset "$preset" -j "$(nproc)"
done
