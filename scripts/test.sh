#!/bin/sh
# Installs the Debian packages, builds and runs all tests, as they are and again under AddressSanitizer and
# UndefinedBehaviorSanitizer. Ends with ctest's summary; fails if any test fails.
#
#   scripts/test.sh [PRESET ...]      only these: release, asan, debug (default: asan release)
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
"$here/scripts/install-deps.sh"
cd "$here"
[ $# -gt 0 ] || set -- asan release
for preset; do
  echo "== $preset"
  cmake --preset "$preset" -DINTVIT_TESTS=ON >/dev/null
  cmake --build --preset "$preset"
  ctest --preset "$preset" -j "$(nproc)"
done
