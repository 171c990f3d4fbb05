#!/bin/sh
# Layout and common mistakes in the project's own sources. Fails on any finding.
#
#   scripts/lint.sh [--changed] [format|cppcheck|tidy ...]     (default: all three)
#
# tidy is clang-tidy with .clang-tidy's checks, over minutes; stb_image's own code is left out. Of tests it tells only
# which do not compile by themselves, for builds compile them in groups. cppcheck's mistakes are listed in
# .cppcheck-suppressions.
#
# --changed: cppcheck and tidy look only at what was changed since all of it was looked at: since the newer of
# origin/main, on which nothing is that .ci/run does not pass, and the commit that .ci/linted names. Of a header
# they look at a few of the files that include it. $INTVIT_LINT_BASE is another commit to compare with. Where none of
# these is in the clone, or this script or its lists have changed, they look at everything.
set -eu
cd "$(dirname "$0")/.."
changed=""
if [ "${1:-}" = --changed ]; then
  changed=yes
  shift
fi
[ $# -gt 0 ] || set -- format cppcheck tidy
scripts/install-deps.sh lint
jobs=$(nproc)

# The commit to compare with, or nothing.
base() {
  if [ -n "${INTVIT_LINT_BASE:-}" ]; then
    git rev-parse --verify --quiet "$INTVIT_LINT_BASE^{commit}" || {
      echo "$0: there is no commit $INTVIT_LINT_BASE" >&2
      exit 2
    }
    return 0
  fi
  newest=""
  for candidate in origin/main "$(cat .ci/linted)"; do
    commit=$(git rev-parse --verify --quiet "$candidate^{commit}") || continue
    if [ "$commit" != "$(git rev-parse HEAD)" ] && git merge-base --is-ancestor "$commit" HEAD &&
      { [ -z "$newest" ] || git merge-base --is-ancestor "$newest" "$commit"; }; then
      newest=$commit
    fi
  done
  echo "$newest"
}

# sources FOLDER ...: what there is to look at in these folders, headers not, which are looked at where they are included.
sources() {
  git ls-files -- "$@" | grep '\.cp*$' >build/lint-sources
  if [ -z "$since" ]; then
    cat build/lint-sources
    return 0
  fi
  # Work that is not committed counts too.
  { git diff --name-only "$since" && git ls-files --others --exclude-standard; } | sort -u >build/lint-changed
  {
    grep -Fx -f build/lint-changed build/lint-sources || true
    grep '\.hpp$' build/lint-changed | while read -r header; do
      tr '\n' '\0' <build/lint-sources | xargs -0 grep -lF "#include \"$header\"" | head -n 3
    done || true
  } | sort -u
}

since=""
if [ -n "$changed" ]; then
  since=$(base)
  if [ -n "$since" ] && ! git diff --quiet "$since" -- .clang-tidy .cppcheck-suppressions scripts/lint.sh; then
    since="" # what is looked for has changed
  fi
  [ -n "$since" ] && echo "looks at what changed since $since" || echo "looks at everything"
fi
mkdir -p build
for check; do
  echo "== $check"
  case $check in
  format)
    git ls-files '*.c' '*.h' '*.cpp' '*.hpp' | xargs clang-format --dry-run -Werror
    ;;
  cppcheck)
    sources kernels engine models cli train examples python tests/checkasm >build/lint-files
    echo "$(wc -l <build/lint-files) files"
    [ ! -s build/lint-files ] ||
      cppcheck --quiet --error-exitcode=1 --enable=warning,performance,portability --std=c++20 --language=c++ -I . \
        --suppressions-list=.cppcheck-suppressions -j "$jobs" --file-list=build/lint-files
    ;;
  tidy)
    # By clang, whose flags clang-tidy understands.
    CC=clang CXX=clang++ cmake -G Ninja -B build/lint -DCMAKE_EXPORT_COMPILE_COMMANDS=ON -DCMAKE_BUILD_TYPE=Release \
      -DINTVIT_TESTS=ON -DINTVIT_UNITY=OFF -DINTVIT_INSTALL=OFF >/dev/null
    # What is compiled there: no compiler for 64-bit Arm is needed here, and no LibTorch.
    sed -n "s|^ *\"file\": \"$PWD/\(.*\)\",*$|\1|p" build/lint/compile_commands.json >build/lint-compiled
    sources kernels engine models cli tests >build/lint-all
    grep -Fx -f build/lint-compiled build/lint-all | grep -v /stb_ >build/lint-files || true
    echo "$(wc -l <build/lint-files) files"
    xargs -r -n 1 -P "$jobs" clang-tidy --quiet -p build/lint <build/lint-files
    ;;
  *)
    echo "$0: no check \"$check\"" >&2
    exit 2
    ;;
  esac
done
