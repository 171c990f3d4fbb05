#!/bin/sh
# Which kernels the program finds and uses on emulated processors. The shipped model's golden logits and the sample
# photograph's logits must be the same on each.
#
#   dispatch.sh EMULATOR PROGRAM SOURCE_FOLDER PROCESSOR="KERNEL ..." ...
set -eu
emulator=$1
program=$2
source=$3
shift 3
export INTVIT_ISA=
photograph=$source/docs/sample/chelsea.png

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
  found=$(echo "$output" | sed -n 's/^  \([^ ]*\) *ok (.*golden logits, bit for bit)$/\1/p' | tr '\n' ' ')
  [ "$found" = "$2 " ] || fail "$1 has the kernels $found, not $2"
}

# expect_refusal PROCESSOR "NAME ...": what the processor lacks is refused by name, however it is asked for.
expect_refusal() {
  case " $2 " in
  *" neon-dotprod "*) lacks=avx2 ;;
  *) lacks=neon-dotprod ;;
  esac
  for way in option variable; do
    code=0
    if [ $way = option ]; then
      error=$(on "$1" classify --isa $lacks "$photograph" 2>&1 >/dev/null) || code=$?
    else
      error=$(INTVIT_ISA=$lacks on "$1" classify "$photograph" 2>&1 >/dev/null) || code=$?
    fi
    [ $code -eq 2 ] || fail "$lacks by $way on $1: exit code $code instead of 2"
    case $error in
    *"\"$lacks\" is not available here; there are: $(echo "$2" | sed 's/ /, /g')") ;;
    *) fail "$lacks by $way on $1: $error" ;;
    esac
  done
}

# By default each processor takes its fastest kernels, with the same logits.
first=""
for pair; do
  name=${pair%%=*}
  expect_kernels "$name" "${pair#*=}"
  expect_refusal "$name" "${pair#*=}"
  logits=$(on "$name" classify --format json --raw-logits "$photograph")
  case $logits in
  *'"logits":['*) ;;
  *) fail "no logits in $logits" ;;
  esac
  [ "${first:=$logits}" = "$logits" ] || fail "$name gives other logits: $first $logits"
done
[ -n "$first" ] || fail "no processor was named"
