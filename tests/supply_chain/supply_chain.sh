#!/bin/sh
# Nothing is fetched unasked, and what is fetched has a hash: libraries at configuration, packages of PyPI in scripts.
#
#   supply_chain.sh CMAKE CXX
set -eu
cmake=$1
compiler=$2
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/support/checks.sh"
cd "$root"

# Libraries: each by a commit or a hash of its archive.
calls=$(grep -cE '^ *intvit_fetch\(' cmake/Dependencies.cmake)
hashes=$(grep -cE 'GIT_TAG [0-9a-f]{40}\)?$|URL_HASH SHA256=[0-9a-f]{64}\)$' cmake/Dependencies.cmake)
[ "$calls" -ge 6 ] && [ "$calls" -eq "$hashes" ] || fail "cmake/Dependencies.cmake: $calls libraries, $hashes hashes"
grep -rn --include=CMakeLists.txt --include='*.cmake' --exclude-dir=build FetchContent_Declare . |
  grep -v '^./cmake/Dependencies.cmake:' &&
  fail "something is fetched by other means"

# A library that is missing ends the configuration with what to do, and is taken only where that is allowed.
configure() {
  "$cmake" -S . -B "$work/build" "-DCMAKE_CXX_COMPILER=$compiler" -DINTVIT_CLI=OFF -DINTVIT_HARDENING=OFF \
    -DCMAKE_DISABLE_FIND_PACKAGE_nlohmann_json=ON "$@" >"$work/log" 2>&1
}
configure && fail "configured without nlohmann-json"
tr -s '\n ' '  ' <"$work/log" | grep -q 'nlohmann_json was not found. Install it (Debian: apt-get install nlohmann-json3-dev;' ||
  fail "of nlohmann-json, which is missing, this is told: $(cat "$work/log")"
[ -z "$(ls "$work/build/_deps" 2>/dev/null)" ] || fail "something was fetched unasked"
mkdir "$work/json"
echo 'add_library(nlohmann_json::nlohmann_json INTERFACE IMPORTED GLOBAL)' >"$work/json/CMakeLists.txt"
configure -DINTVIT_FETCH=ON "-DFETCHCONTENT_SOURCE_DIR_NLOHMANN_JSON=$work/json" ||
  fail "not configured with a library that may be fetched: $(cat "$work/log")"

# Packages: scripts install from lists with hashes alone, and the project itself, its sources or a wheel of them.
# lock-requirements.sh makes the lists.
grep -rnE --include='*.sh' --include='*.py' --include=run -e '-m pip (install|download)|"pip", "(install|download)"' \
  scripts .ci bench tests |
  grep -vE -- '--require-hashes|--no-index|--no-build-isolation --no-deps \.$|^scripts/lock-requirements.sh:|^tests/supply_chain/' &&
  fail "packages are installed without hashes"
for wanted in scripts/requirements/*.in bench/peers/requirements/*.in; do
  list=${wanted%.in}.txt
  [ -f "$list" ] || {
    fail "$list is not there"
    continue
  }
  # A package is a line with its version, whose hashes follow.
  awk '/^ / { if ($0 !~ /^    --hash=sha256:[0-9a-f]+( \\)?$/) bad = 1; has = 1; next }
       { if (open && !has || $0 !~ /^[a-z0-9-]+==[^ ]+ (; .* )?\\$/) bad = 1; open = 1; has = 0 }
       END { exit bad || !has }' "$list" || fail "$list: not a list of versions and hashes"
  sed -n 's/^\([a-z0-9-]\{1,\}\).*/\1/p' "$wanted" | while read -r package; do
    grep -q "^$package==" "$list" || echo "$package"
  done >"$work/missing"
  [ ! -s "$work/missing" ] || fail "$list lacks $(cat "$work/missing"): run scripts/lock-requirements.sh"
done
[ "$failures" -eq 0 ] || exit 1
echo "supply chain: $calls libraries, $(cat scripts/requirements/*.txt bench/peers/requirements/*.txt | grep -c ==) packages"
