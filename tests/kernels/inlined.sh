#!/bin/sh
# Every operation of an instruction set is inlined into the kernels that are made of it: one that is called keeps its
# vectors in memory, and that such calls are there is seen in nothing but the time. Prints each that is not.
#
#   inlined.sh NM OBJECT ...
#
# Exit code 0: none; 1: some, or nothing to look at.
set -eu
nm=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Functions by names without template arguments.
functions() {
  sed -n 's/^[0-9a-f]* [tTwW] //p' | sed 's/(anonymous namespace)/unnamed/g; :again; s/<[^<>]*>//g; t again'
}
# Those of a class of operations: kernels/*/ calls them so. codes_to_elements() works on a whole row.
operations() {
  grep -E '^[^(]*(Operations|Elements|Lanes|Vector)::[a-z_0-9]+\(' | grep -v '::codes_to_elements(' | sort -u
}

planted='0000000000000010 t intvit::kernels::scalar::Operations<intvit::kernels::(anonymous namespace)::Scalar, 6, 2>::set(int)'
[ "$(echo "$planted" | functions | operations)" = "intvit::kernels::scalar::Operations::set(int)" ] || {
  echo "inlined.sh: does not find what is planted" >&2
  exit 1
}
"$nm" -C --defined-only "$@" >"$work/symbols"
functions <"$work/symbols" >"$work/functions"
grep -q 'vector::.*::run(' "$work/functions" || {
  echo "inlined.sh: there are no kernels to look at" >&2
  exit 1
}
operations <"$work/functions" >"$work/operations"
cat "$work/operations"
[ ! -s "$work/operations" ]
