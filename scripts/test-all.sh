#!/bin/sh
# The check before a release: all that .ci/run does for every change, and what takes too long for that. Hours.
#
#   scripts/test-all.sh [--again] [STAGE ...]      default: all stages
#
#   release clang     all tests of this machine's own build, by either compiler
#   asan tsan         all tests under AddressSanitizer and UndefinedBehaviorSanitizer, and under ThreadSanitizer
#   aarch64 riscv64 armhf
#                     what depends on the processor, in an emulator
#   windows           kernels, golden hash and program, in Wine
#   train python web  the trainer, the Python package, the page in a browser
#   wheels            the Python package's wheels and its source distribution, installed
#   clusters          the Python package with Ray, Spark and Beam
#   lint              every check over every file
#   checkasm          50 times as many random calls of every kernel as a test makes, with another seed every time
#   valgrind          whole runs of the program and some tests
#   fuzz              every target for ten minutes, with another seed every time
#   million           a million mutated model files
#
# A stage that has passed for the sources as they are is not run again without --again: what was stopped goes on. Ends
# with a table of the stages and their times. A stage that cannot be run here counts as one that failed.
set -eu
cd "$(dirname "$0")/.."
logs=build/test-all/logs
. scripts/stages.sh

again=""
if [ "${1:-}" = --again ]; then
  again=yes
  shift
fi
all="release clang asan tsan aarch64 riscv64 armhf windows train python web wheels clusters lint checkasm valgrind fuzz million"
# shellcheck disable=SC2086 # a list of words
[ $# -gt 0 ] || set -- $all
for name; do
  case " $all " in
  *" $name "*) ;;
  *)
    echo "$0: no stage \"$name\"; there are: $all" >&2
    exit 2
    ;;
  esac
done
if [ -d "${INTVIT_DATA:-../shared/data}" ]; then
  export INTVIT_REQUIRE_DATA=1
fi

export INTVIT_ALL_CASES=1 # sanitizers try some of many in .ci/run

# A word for the sources as they are, committed or not.
sources() {
  {
    git rev-parse HEAD
    git diff HEAD
    git ls-files --others --exclude-standard -z | xargs -0r sha256sum
  } | sha256sum | cut -d' ' -f1
}

# With the tests that quantize whole models of trained weights, which the preset leaves out.
asan() {
  scripts/install-deps.sh asan &&
    cmake --preset asan -DINTVIT_TESTS=ON >/dev/null &&
    cmake --build --preset asan &&
    ctest --preset asan -E '^$' -j "$(nproc)"
}

tsan() {
  scripts/install-deps.sh tsan &&
    cmake --preset tsan -DINTVIT_TESTS=ON >/dev/null &&
    cmake --build build/tsan &&
    INTVIT_TEST_SECONDS=60 ctest --preset tsan -R . -j "$(nproc)"
}

checkasm() {
  scripts/install-deps.sh release &&
    cmake --preset release -DINTVIT_TESTS=ON >/dev/null &&
    cmake --build build/release --target checkasm &&
    build/release/bin/checkasm --seed "$seed" --rounds 20000 --no-time
}

run() {
  case $1 in
  python | web | clusters) scripts/test-"$1".sh ;;
  wheels) scripts/wheels.sh ;;
  lint) scripts/lint.sh ;;
  valgrind) scripts/valgrind.sh ;;
  fuzz) scripts/fuzz.sh --seconds 600 --seed "$seed" ;;
  million) scripts/fuzz.sh --million ;;
  asan | tsan | checkasm) "$1" ;;
  *) scripts/test.sh "$1" ;;
  esac
}

passed=build/test-all # of each stage that passed, for which sources
mkdir -p $passed
began=$(date +%s)
seed=$began # different every time
for name; do
  now=$(sources)
  if [ -z "$again" ] && [ "$now" = "$(cat $passed/"$name" 2>/dev/null)" ]; then
    echo "0 before $name" >>$logs/times
    continue
  fi
  stage "$name" run "$name"
  case $stage_result in
  passed) echo "$now" >$passed/"$name" ;;
  SKIPPED)
    failed="$failed
  $name (cannot be run here)"
    ;;
  esac
done

print_times $(($(date +%s) - began))
if [ -n "$failed" ]; then
  print_failures
  echo "$0: failed, see above:$failed" >&2
  exit 1
fi
echo "$0: passed: $*"
