#!/bin/sh
# Builds the library for WebAssembly, runs the golden hash of logits in node, and the page of examples/web in a headless
# browser, which must give the logits that the native program gives. Where emscripten or Chromium cannot be had, says
# SKIPPED and ends with exit code 77.
set -eu
cd "$(dirname "$0")/.."
skip() {
  echo "$0: SKIPPED: $1, so the WebAssembly build was neither built nor tested" >&2
  exit 77
}
scripts/install-deps.sh web || skip "Debian's packages for it could not be installed"
cmake --preset wasm >/dev/null
cmake --build --preset wasm
ctest --preset wasm
cmake --preset release -DINTVIT_TESTS=ON >/dev/null
cmake --build --preset release --target intvit
pictures="docs/sample/chelsea.png tests/golden/images/decode/subsampled.jpg"
# shellcheck disable=SC2086 # two names
build/release/bin/intvit classify --format json --raw-logits $pictures >build/wasm/native.json
# shellcheck disable=SC2086
python3 tests/web/check.py build/wasm/web build/wasm/native.json $pictures
