#!/bin/sh
# Does what README.md and docs/embedding.md tell their readers to do, so that it stays true.
#
#   readme_test.sh commands PROGRAM    lines of README.md's ```sh blocks that begin with intvit, in a folder that holds
#                                      what they name: float weights, a few photographs, class names. All other lines
#                                      have to be commands that .ci/run or the tests run
#   readme_test.sh programs CC CXX [WRITE_MODELS LIBRARY ...]
#                                      ```c and ```cpp blocks of both, and what intvit.h and intvit.hpp begin with, have
#                                      to compile, and to run with models that have class names, none, and no classes;
#                                      so do examples/. Python's are run by python/tests
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
kind=$1
shift
data=${INTVIT_DATA:-$root/../shared/data}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "FAILED: $*"
  exit 1
}

# The lines of a file's blocks of a language; blocks are parted by a line of two slashes.
blocks() {
  awk -v fence="\`\`\`$2" '/^```/ { inside = ($0 == fence); if (inside) print "//"; next } inside' "$1"
}

# runs NAME MODEL LINES [ARGUMENT ...]: the program, with that model where programs look for it, prints lines like these.
# Where LINES is empty it may print what it likes, and fail, but not crash.
runs() {
  name=$1
  model=$2
  lines=$3
  shift 3
  for file in model.safetensors deit_tiny.intvit.safetensors; do
    ln -sf "$model" "$work/$file"
  done
  (cd "$work" && "./$name" "$@") >"$work/out" 2>&1 && code=0 || code=$?
  [ $code -lt 128 ] || fail "$name with $model: exit code $code"
  [ -z "$lines" ] || { [ $code -eq 0 ] && grep -qE "$lines" "$work/out"; } || fail "$name with $model: $code, $(cat "$work/out")"
}

# program LANGUAGE NAME COMPILER...: compiles standard input, and runs it where there is a library.
program() {
  language=$1
  name=$2
  shift 2
  cat >"$work/source"
  "$@" -Wall -Wextra -Werror -I "$root/engine/include" -x "$language" -c "$work/source" -o "$work/$name.o" 2>"$work/err" ||
    fail "$name: $(cat "$work/err" "$work/source")"
  echo "$name" >>"$work/compiled"
  [ -n "$libraries" ] || return 0
  # shellcheck disable=SC2086 # a list of files
  "$cxx" "$work/$name.o" $libraries -pthread -o "$work/$name"
  runs "$name" "$shipped" '^class [0-9]: [a-z]+$'
  runs "$name" "$work/unlabelled" '^class [0-9]+: .no label.$'
  runs "$name" "$work/classless" ''
}

# documents LANGUAGE COMPILER...: the blocks of both documents, each a function classify() of a frame.
documents() {
  language=$1
  shift
  for document in README.md docs/embedding.md; do
    blocks "$root/$document" "$(echo "$language" | sed s/++/pp/)" >"$work/blocks"
    csplit -s -z -f "$work/block." "$work/blocks" '/^\/\/$/' '{*}'
    for block in "$work"/block.*; do
      [ -e "$block" ] || continue
      stride=$(grep -q 'ptrdiff_t stride' "$block" && echo ', 0' || true)
      {
        cat "$block"
        echo "int main(void) { static unsigned char rgb[48 * 48 * 3]; return !classify(rgb, 48, 48$stride); }"
      } | program "$language" "$(basename "$document" .md)-$language" "$@"
    done
    rm -f "$work"/block.*
  done
}

# header FILE: the lines of code in its first comment, as a program that has pixels.
header() {
  printf '#include <%s>\n#include "%s"\n' "$([ "$1" = intvit.h ] && echo stdio.h || echo cstdio)" "$1"
  echo 'int main(void) { static unsigned char pixels[640 * 480 * 3];'
  sed -n -e '/^#/q' -e 's,^\( \*\|//\)   ,,p' "$root/engine/include/$1"
  echo 'return 0; }'
}

if [ "$kind" = programs ]; then
  cc=$1
  cxx=$2
  shipped=$root/models/zoo/cifar10_vit.safetensors
  [ $# -lt 3 ] || "$3" "$work/unlabelled" "$work/classless"
  shift $(($# < 3 ? $# : 3))
  libraries=$*
  documents c "$cc" -std=c11
  documents c++ "$cxx" -std=c++17 -fno-exceptions -fno-rtti
  header intvit.h | program c intvit.h "$cc" -std=c11
  header intvit.hpp | program c++ intvit.hpp "$cxx" -std=c++17 -fno-exceptions -fno-rtti
  compiled=$(wc -l <"$work/compiled")
  [ "$compiled" -ge 5 ] || fail "only these programs were found: $(cat "$work/compiled")"
  [ -n "$libraries" ] || {
    echo "ok: $compiled programs, not run"
    exit 0
  }
  printf 'P6 5 3 255\n%045d' 0 >"$work/frame.ppm"
  for example in classify.c classify_frames.cpp; do
    name=${example%.*}
    case $example in
    *.c) compiler="$cc -std=c11" ;;
    *) compiler="$cxx -std=c++17" ;;
    esac
    # shellcheck disable=SC2086 # a command and its option
    $compiler -I "$root/engine/include" -c "$root/examples/$example" -o "$work/$name.o"
    # shellcheck disable=SC2086 # a list of files
    "$cxx" "$work/$name.o" $libraries -pthread -o "$work/$name"
    runs "$name" "$work/unlabelled" '(^  .* %  |: )class [0-9]+' model.safetensors frame.ppm
    runs "$name" "$work/classless" '' model.safetensors frame.ppm
  done
  echo "ok: $compiled programs and 2 examples"
  exit 0
fi
program=$1
data=${INTVIT_DATA:-$root/../shared/data}

blocks "$root/README.md" sh | sed -e 's/  *#.*$//' -e '/^$/d' -e '/^\/\/$/d' >"$work/commands"
[ "$(grep -c '^intvit ' "$work/commands")" -ge 5 ] || fail "README.md's commands were not found: $(cat "$work/commands")"

# Those of builds and tests: each is part of a stage of .ci/run.
grep -v '^intvit ' "$work/commands" >"$work/others" || true
while read -r line; do
  case $line in
  "cmake --preset release && cmake --build --preset release" | "pip install .") ;; # scripts/test.sh, scripts/test-python.sh
  scripts/*)
    grep -qF -e "$line" "$root/.ci/run" "$root/scripts/test-all.sh" ||
      fail "$line: neither .ci/run nor scripts/test-all.sh runs it"
    ;;
  *) fail "$line: nothing runs this" ;;
  esac
done <"$work/others"

if [ ! -d "$data/imagenet/val" ]; then
  [ -z "${INTVIT_REQUIRE_DATA:-}" ] || fail "$data/imagenet/val is not there, and INTVIT_REQUIRE_DATA is set"
  echo "[skipped] needs imagenet/ and weights/ of the data folder (set INTVIT_DATA)"
  exit 0
fi
mkdir "$work/bin" "$work/here" "$work/here/photographs" "$work/here/images"
ln -s "$program" "$work/bin/intvit"
cd "$work/here"
ln -s "$data"/weights/*.safetensors .
ln -s "$data/imagenet/classes.txt" classes.txt
for photograph in $(ls "$data/imagenet/calib" | grep -i 'jpe*g$' | head -n 16); do
  ln -s "$data/imagenet/calib/$photograph" photographs/
done
head -n 9 "$data/imagenet/val/labels.csv" >labels.csv
tail -n +2 labels.csv | cut -d, -f1 | while read -r photograph; do
  ln -s "$data/imagenet/val/$photograph" images/
done
cp "$root/docs/sample/chelsea.png" photo.png

grep '^intvit ' "$work/commands" >"$work/programs"
while read -r line; do
  echo "$line"
  PATH=$work/bin:$PATH INTVIT_MODEL=$root/models/zoo/cifar10_vit.safetensors sh -e -c "$line" >"$work/out" 2>"$work/err" ||
    fail "$line: $(cat "$work/err")"
  case $line in
  *" -o "*) ;;
  *) [ -s "$work/out" ] || fail "$line: prints nothing" ;;
  esac
done <"$work/programs"
echo "ok"
