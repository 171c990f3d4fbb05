#!/bin/sh
# Layout and common mistakes in the project's own sources. Fails on any finding.
#
#   scripts/lint.sh [format|cppcheck|tidy ...]     (default: all of them)
#
# tidy is clang-tidy with .clang-tidy's checks, over minutes; stb_image's own code is left out. cppcheck's mistakes are
# listed in .cppcheck-suppressions.
set -eu
cd "$(dirname "$0")/.."
scripts/install-deps.sh lint
jobs=$(nproc)
[ $# -gt 0 ] || set -- format cppcheck tidy
for check; do
  echo "== $check"
  case $check in
  format)
    git ls-files '*.c' '*.h' '*.cpp' '*.hpp' | xargs clang-format --dry-run -Werror
    ;;
  cppcheck)
    cppcheck --quiet --error-exitcode=1 --enable=warning,performance,portability --std=c++20 --language=c++ -I . \
      --suppressions-list=.cppcheck-suppressions -j "$jobs" kernels engine models cli examples python tests/checkasm
    ;;
  tidy)
    # By clang, whose flags clang-tidy understands.
    CC=clang CXX=clang++ cmake -G Ninja -B build/lint -DCMAKE_EXPORT_COMPILE_COMMANDS=ON -DCMAKE_BUILD_TYPE=Release \
      -DINTVIT_TESTS=OFF -DINTVIT_INSTALL=OFF >/dev/null
    git ls-files kernels engine models cli | grep '\.cpp$' | grep -v -e '^kernels/arm/' -e '^models/train/' -e /stb_ |
      xargs -n 1 -P "$jobs" clang-tidy --quiet -p build/lint
    ;;
  *)
    echo "$0: no check \"$check\"" >&2
    exit 2
    ;;
  esac
done
