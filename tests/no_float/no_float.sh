#!/bin/sh
# The no-float gate: disassembles objects and fails on any instruction in them that computes, converts or compares
# floating-point numbers (no_float.awk says which are allowed).
#
#   no_float.sh OBJDUMP OBJECT ...
#
# Prints each finding as "OBJECT: FUNCTION: INSTRUCTION", then what it looked at. Exit code 0: nothing found;
# 1: something found, or nothing to look at; 2: an object cannot be read.
set -eu

if [ $# -lt 2 ]; then
  echo "usage: no_float.sh OBJDUMP OBJECT ..." >&2
  exit 2
fi
rules=$(dirname "$0")/no_float.awk
objdump=$1
shift

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

objects=0
functions=0
instructions=0
findings=0
for object; do
  if ! "$objdump" -f "$object" >"$work/header" || ! "$objdump" -d -r -C --no-show-raw-insn "$object" >"$work/code"; then
    echo "no_float.sh: $objdump cannot read $object" >&2
    exit 2
  fi
  case $(cat "$work/header") in
  *"architecture: i386:x86-64"*) architecture=x86-64 ;;
  *"architecture: aarch64"*) architecture=aarch64 ;;
  *"architecture: riscv:rv64"*) architecture=riscv64 ;;
  *)
    echo "no_float.sh: $object: neither x86-64, aarch64 nor riscv64" >&2
    exit 2
    ;;
  esac
  awk -v object="$object" -v architecture="$architecture" -f "$rules" "$work/code" >"$work/found"
  grep -v '^#counts ' "$work/found" || true
  objects=$((objects + 1))
  findings=$((findings + $(grep -vc '^#counts ' "$work/found" || true)))
  # shellcheck disable=SC2046 # two numbers
  set -- $(sed -n 's/^#counts //p' "$work/found")
  functions=$((functions + $1))
  instructions=$((instructions + $2))
done

echo "no-float gate: $objects objects, $functions functions, $instructions instructions, $findings findings"
if [ "$instructions" -eq 0 ] || [ "$functions" -eq 0 ]; then
  echo "no_float.sh: there was no code to look at" >&2
  exit 1
fi
[ "$findings" -eq 0 ]
