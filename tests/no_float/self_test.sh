#!/bin/sh
# Shows that the no-float gate finds floating point: compiles planted_ARCHITECTURE.cpp and demands every report that its
# "expect" lines name, none about its clean functions, and a failure where there is nothing to look at.
#
#   self_test.sh ARCHITECTURE COMPILER OBJDUMP        x86-64, aarch64 or riscv64
set -eu

here=$(cd "$(dirname "$0")" && pwd)
architecture=$1
compiler=$2
objdump=$3
source=$here/planted_$architecture.cpp

for tool in "$compiler" "$objdump"; do
  if ! command -v "$tool" >/dev/null; then
    echo "[skipped] needs $tool"
    exit 0
  fi
done

. "$here/../support/checks.sh"

# Runs the gate; its exit code in $code.
gate() {
  code=0
  "$here/no_float.sh" "$objdump" "$@" >"$work/report" 2>&1 || code=$?
}

"$compiler" -O2 -c "$source" -o "$work/planted.o"
gate "$work/planted.o"
cat "$work/report"
[ "$code" -eq 1 ] || fail "exit code $code with planted floating point, not 1"
expected=$(sed -n 's|^// expect: ||p' "$source")
count=0
while read -r function instruction; do
  count=$((count + 1))
  awk -v object="$work/planted.o" -v function_name="$function" -v instruction="$instruction" \
    'index($0, object ": " function_name ": ") == 1 && index($0, ": " instruction) > 0 { found = 1 }
     END { exit !found }' "$work/report" || fail "$function: $instruction is not reported"
done <<END
$expected
END
[ "$count" -ge 10 ] || fail "only $count expectations"
if grep ': clean_' "$work/report"; then
  fail "clean functions are reported"
fi

# A finding in one object of several is enough; without it all is well.
echo 'long clean(long a) { return a * 3; }' >"$work/clean.cpp"
"$compiler" -O2 -c "$work/clean.cpp" -o "$work/clean.o"
gate "$work/clean.o" "$work/clean.o"
[ "$code" -eq 0 ] || fail "exit code $code for clean objects, not 0"
grep -q '^no-float gate: 2 objects, 2 functions, [1-9][0-9]* instructions, 0 findings$' "$work/report" ||
  fail "the summary of two clean objects is wrong: $(cat "$work/report")"
gate "$work/clean.o" "$work/planted.o"
[ "$code" -eq 1 ] || fail "exit code $code for a clean and a planted object, not 1"

# Nothing to look at.
echo 'extern int data; int data = 1;' >"$work/data.cpp"
"$compiler" -c "$work/data.cpp" -o "$work/data.o"
gate "$work/data.o"
[ "$code" -eq 1 ] || fail "exit code $code for an object without code, not 1"
gate
[ "$code" -eq 2 ] || fail "exit code $code without objects, not 2"
gate "$work/clean.o" "$work/missing.o"
[ "$code" -eq 2 ] || fail "exit code $code for a missing object, not 2"
gate "$work/clean.cpp"
[ "$code" -eq 2 ] || fail "exit code $code for what is no object, not 2"

echo "no-float gate, self-test for $architecture: $count planted instructions, $failures failures"
[ "$failures" -eq 0 ]
