#!/bin/sh
# Installs the Debian packages, builds and runs the tests. Ends with ctest's summary; fails if any test fails.
#
#   scripts/test.sh [PRESET ...]      presets to test one after the other: release, debug, asan, clang, tsan, aarch64,
#                                     riscv64, armhf, train (default: tsan, the cross builds but for what this
#                                     machine is, and release)
#
# aarch64, riscv64 and armhf are cross builds whose tests run in an emulator: those that depend on the processor. tsan is
# what has threads, under ThreadSanitizer, asan everything under the other sanitizers, both by clang. train is intvit-train
# and its tests alone: LibTorch is taken from $INTVIT_TORCH_DIR; without it, it is fetched into build/libtorch (560 MB,
# once).
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
cd "$here"
if [ $# -eq 0 ]; then
  set -- tsan
  for cross in aarch64 riscv64 armhf; do
    [ "$(uname -m)" = $cross ] || set -- "$@" $cross
  done
  set -- "$@" release
fi
for preset; do
  echo "== $preset"
  scripts/install-deps.sh "$preset"
  if [ "$preset" = train ] && [ -z "${INTVIT_TORCH_DIR:-}" ]; then
    INTVIT_TORCH_DIR=$here/build/libtorch
    export INTVIT_TORCH_DIR
    scripts/install-torch.sh "$INTVIT_TORCH_DIR" || {
      echo "$0: LibTorch could not be installed; without it intvit-train is not tested" >&2
      exit 1
    }
  fi
  cmake --preset "$preset" -DINTVIT_TESTS=ON >/dev/null
  cmake --build --preset "$preset"
  ctest --preset "$preset" -j "$(nproc)"
done
