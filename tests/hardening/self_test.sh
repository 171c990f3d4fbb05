#!/bin/sh
# hardening.sh finds what is missing, each protection by itself.
#
#   self_test.sh READELF CXX CHECK,...       the checks of programs that this compiler and this system can pass
set -eu
readelf=$1
compiler=$2
checks=$(echo "$3" | tr , ' ')
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../support/checks.sh"

cat >"$work/program.cpp" <<'END'
#include <cstring>
#include <vector>
int main(int count, char **words) {
  char copy[64];
  std::memcpy(copy, words[0], static_cast<unsigned>(count));
  return std::vector<char>(copy, copy + count)[static_cast<unsigned>(count) - 1];
}
END
all="-O1 -fPIE -pie -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -D_GLIBCXX_ASSERTIONS -Wl,-z,relro
  -Wl,-z,now -Wl,-z,noexecstack"
without() {
  case $1 in
  relro) echo -Wl,-z,norelro ;;
  now) echo -Wl,-z,lazy ;;
  stack) echo -Wl,-z,execstack ;;
  pie) echo -no-pie ;;
  canary) echo -fno-stack-protector ;;
  fortify) echo -U_FORTIFY_SOURCE ;;
  assertions) echo -U_GLIBCXX_ASSERTIONS ;;
  esac
}
findings() {
  sh "$here/hardening.sh" "$readelf" "$3" "$work/$1" >"$work/report" 2>&1 && code=0 || code=$?
  [ "$code" -eq "$2" ] || fail "$1, $3: exit code $code, not $2: $(cat "$work/report")"
  sed -n "s|^$work/$1: ||p" "$work/report" | tr '\n' ' '
}
list=$(echo "$checks" | tr ' ' ,)

# shellcheck disable=SC2086 # lists of options
"$compiler" $all "$work/program.cpp" -o "$work/whole"
[ -z "$(findings whole 0 "$list")" ] || fail "something is missing in the program that has all"
for check in $checks; do
  # shellcheck disable=SC2046,SC2086
  "$compiler" $all $(without "$check") "$work/program.cpp" -o "$work/$check" 2>/dev/null
  found=$(findings "$check" 1 "$list")
  [ "$found" = "$check " ] || fail "without $check these are missing: $found"
done

# An object that says nothing of its jumps, which is one of no language.
echo | "$compiler" -x assembler -c - -o "$work/plain.o"
[ "$(findings plain.o 1 jumps)" = "jumps " ] || fail "jumps is not missed"
findings plain.o 2 nonsense >/dev/null
findings program.cpp 2 relro >/dev/null
sh "$here/hardening.sh" "$readelf" relro >/dev/null 2>&1 && fail "no file is no error"
echo "hardening, self-test: $(echo "$checks" | wc -w) protections, $failures failures"
[ "$failures" -eq 0 ]
