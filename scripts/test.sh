#!/bin/sh
# Installs the Debian packages, builds and runs the tests. Ends with ctest's summary; fails if any test fails.
#
#   scripts/test.sh [PRESET ...]      presets to test one after the other: release, debug, asan, clang, tsan, aarch64,
#                                     riscv64, armhf, windows, train (default: release, this machine's own build and all
#                                     tests)
#
# aarch64, riscv64 and armhf are cross builds whose tests run in an emulator: those that depend on the processor.
# windows is a cross build whose tests run in Wine: the kernels, the golden hash and the program. tsan is what has
# threads, under ThreadSanitizer, asan everything under the other sanitizers, both by clang; clang is everything by
# that compiler alone. train is intvit-train and its tests: LibTorch is taken from $INTVIT_TORCH_DIR; without it, it
# is fetched into build/libtorch (560 MB, once). docs/testing.md tells what there is besides.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
cd "$here"
[ $# -gt 0 ] || set -- release
scripts/install-deps.sh "$@"
for preset; do
  echo "== $preset"
  if [ "$preset" = train ] && [ -z "${INTVIT_TORCH_DIR:-}" ]; then
    INTVIT_TORCH_DIR=$here/build/libtorch
    export INTVIT_TORCH_DIR
    scripts/install-torch.sh "$INTVIT_TORCH_DIR" || {
      echo "$0: LibTorch could not be installed; without it intvit-train is not tested" >&2
      exit 1
    }
  fi
  [ "$preset" != tsan ] || export INTVIT_TEST_SECONDS="${INTVIT_TEST_SECONDS:-20}"
  cmake --preset "$preset" -DINTVIT_TESTS=ON >/dev/null
  cmake --build --preset "$preset"
  ctest --preset "$preset" -j "$(nproc)"
done
