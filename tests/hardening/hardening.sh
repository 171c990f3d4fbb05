#!/bin/sh
# Reads what was built and prints each protection that is missing: "FILE: WHAT". Exit code 1 where any is, 2 where it
# cannot be told.
#
#   hardening.sh READELF CHECK,... FILE ...
#
# Of programs and shared libraries:
#   relro       the tables that the loader fills are read-only afterwards
#   now         which it does at the start, so that none has to stay writable
#   stack       the stack is not executable, and no memory is both writable and executable
#   pie         the program can be loaded anywhere
#   canary      functions with arrays look whether these were overrun
#   fortify     functions of the C library know how large what they write to is
#   assertions  the C++ library's containers know their bounds
# Of objects:
#   jumps       the processor may check where jumps and returns lead (x86: IBT and SHSTK; Arm: BTI and PAC)
set -eu
readelf=$1
checks=$(echo "$2" | tr , ' ')
shift 2
[ $# -gt 0 ] || {
  echo "hardening.sh: no file" >&2
  exit 2
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

holds() {
  case $1 in
  relro) grep -q 'GNU_RELRO' "$work/segments" ;;
  now) grep -qE 'BIND_NOW|Flags:.* NOW' "$work/dynamic" ;;
  # Columns of readelf: type, offset, two addresses, two sizes, flags in up to three words, alignment ("0" by lld).
  stack)
    grep -qE '^ *GNU_STACK( +0x[0-9a-f]+){5} +RW +0' "$work/segments" &&
      ! grep -qE '^ *[A-Z_]+( +0x[0-9a-f]+){5} +RWE' "$work/segments"
    ;;
  pie) grep -qE 'Type: +DYN' "$work/header" && grep -qE 'FLAGS_1.*PIE' "$work/dynamic" ;;
  canary) grep -qE ' __stack_chk_fail(@|$)' "$work/symbols" ;;
  fortify) grep -vE ' __stack_chk_fail' "$work/symbols" | grep -qE ' __[a-z_]+_chk(@|$)' ;;
  assertions) grep -q '__glibcxx_assert_fail' "$work/symbols" ;;
  jumps) grep -qE 'IBT, SHSTK|BTI, PAC' "$work/notes" ;;
  *)
    echo "hardening.sh: no check \"$1\"" >&2
    exit 2
    ;;
  esac
}

missing=0
for file; do
  for part in header:-h segments:-l dynamic:-d symbols:--dyn-syms notes:-n; do
    LC_ALL=C "$readelf" -W "${part#*:}" "$file" >"$work/${part%%:*}" 2>"$work/errors" || {
      cat "$work/errors" >&2
      exit 2
    }
  done
  grep -q '^ELF Header' "$work/header" || {
    echo "$file: cannot be read" >&2
    exit 2
  }
  for check in $checks; do
    holds "$check" || {
      echo "$file: $check"
      missing=$((missing + 1))
    }
  done
done
echo "hardening: $# files, $(echo "$checks" | wc -w) checks, $missing missing"
[ "$missing" -eq 0 ]
