#!/bin/sh
# Installs the Debian packages, builds and runs all tests. Ends with ctest's summary; fails if any test fails.
#
#   scripts/test.sh [PRESET ...]      presets to test one after the other: release, debug, asan (default: release)
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
"$here/scripts/install-deps.sh"
cd "$here"
[ $# -gt 0 ] || set -- release
for preset; do
  echo "== $preset"
  cmake --preset "$preset" -DINTVIT_TESTS=ON >/dev/null
  cmake --build --preset "$preset"
  ctest --preset "$preset" -j "$(nproc)"
done
