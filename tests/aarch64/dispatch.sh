#!/bin/sh
# Which kernels the program finds and uses on emulated processors. The shipped model's golden logits and the sample
# photograph's logits must be the same on each.
#
#   dispatch.sh EMULATOR PROGRAM SOURCE_FOLDER
set -eu
emulator=$1
program=$2
source=$3
export INTVIT_ISA=

fail() {
  echo "dispatch.sh: $1" >&2
  exit 1
}

# on PROCESSOR ARGUMENT ...: runs the program there.
on() {
  processor=$1
  shift
  # shellcheck disable=SC2086 # the emulator and its options
  $emulator -cpu "$processor" "$program" "$@"
}

# expect_kernels PROCESSOR "NAME ...": these, in this order, give the golden logits.
expect_kernels() {
  output=$(on "$1" verify) || fail "$1: verify failed"
  found=$(echo "$output" | sed -n 's/^  \([^ ]*\) *ok ([0-9]* golden logits, bit for bit)$/\1/p' | tr '\n' ' ')
  [ "$found" = "$2 " ] || fail "$1 has the kernels $found, not $2"
}

expect_kernels max "reference scalar neon neon-dotprod"
expect_kernels cortex-a53 "reference scalar neon"

# What a processor lacks is refused by name, however it is asked for.
for way in option variable; do
  code=0
  if [ $way = option ]; then
    error=$(on cortex-a53 classify --isa neon-dotprod "$source/docs/sample/chelsea.png" 2>&1 >/dev/null) || code=$?
  else
    error=$(INTVIT_ISA=neon-dotprod on cortex-a53 classify "$source/docs/sample/chelsea.png" 2>&1 >/dev/null) || code=$?
  fi
  [ $code -eq 2 ] || fail "neon-dotprod by $way on cortex-a53: exit code $code instead of 2"
  case $error in
  *'"neon-dotprod" is not available here; there are: reference, scalar, neon') ;;
  *) fail "neon-dotprod by $way on cortex-a53: $error" ;;
  esac
done

# By default each processor takes its fastest kernels, with the same logits.
logits() {
  on "$1" classify --format json --raw-logits "$source/docs/sample/chelsea.png"
}
first=$(logits max)
second=$(logits cortex-a53)
case $first in
*'"logits":['*) ;;
*) fail "no logits in $first" ;;
esac
[ "$first" = "$second" ] || fail "max and cortex-a53 give different logits: $first $second"
