#!/bin/sh
# Runs the program, the tests of the interface, of readers and pictures and some of the kernels' under valgrind's memcheck:
# use of what was never written, accesses outside of memory, leaks. Fails on any report. Takes minutes, so it is not part
# of every change's tests.
#
# The processor that valgrind 3.19 shows has AVX2 and nothing above it, so the other kernels are not covered.
set -eu
cd "$(dirname "$0")/.."
scripts/install-deps.sh valgrind
cmake --preset release -DINTVIT_TESTS=ON >/dev/null
cmake --build --preset release --target intvit test_api test_container test_graph test_image test_kernels test_runtime
out=$(mktemp)
trap 'rm -f "$out"' EXIT

check() {
  echo "== $*"
  # Only what nothing points to any more is a leak.
  valgrind --quiet --suppressions=scripts/valgrind.supp --error-exitcode=9 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite \
    "$@" >"$out" || {
    code=$?
    cat "$out"
    exit "$code"
  }
}

bin=build/release/bin
check "$bin/intvit" verify -t 1
check "$bin/intvit" classify -t 1 -b 3 --raw-logits --format json tests/golden/images/decode
check "$bin/intvit" classify -t 3 -b 2 docs/sample/chelsea.png docs/sample/chelsea.png
check "$bin/intvit" info --format json
check "$bin/intvit" bench -t 1 --runs 1 --warmup 0 --format json
check "$bin/test_api" "~threads: a session a thread*"
check "$bin/test_container"
check "$bin/test_graph"
check "$bin/test_image" "~*a lack of memory*" # exceptions of new end the process here
check "$bin/test_runtime" "~determinism*"
check "$bin/test_kernels" "patches*,four bits*,xsimd_lanes*,mean_rows: exactly*,linear: one row*"
echo "valgrind: no errors"
