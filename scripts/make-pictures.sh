#!/bin/sh
# Makes the pictures of docs/pictures.md and the README anew: quantizes deit_tiny and vit_tiny and draws what is inside.
# The same program and data give the same files.
#
#   scripts/make-pictures.sh
#
#   --data FOLDER       the data folder (default: $INTVIT_DATA, else ../shared/data beside the repository), of which
#                       weights/{deit,vit}_tiny_patch16_224.safetensors and imagenet/calib are used
#   --output FOLDER     where pictures go (default: docs)
#   --program FILE      the intvit program (default: build/release/bin/intvit, which is built first)
set -eu
cd "$(dirname "$0")/.."
. scripts/options.sh

data=${INTVIT_DATA:-../shared/data}
output=docs
program=""
take_options "data output program" "" "$@"
for name in weights/deit_tiny_patch16_224.safetensors weights/vit_tiny_patch16_224.safetensors imagenet/calib; do
  [ -e "$data/$name" ] || fail "$data/$name: is not there; --data or INTVIT_DATA says where the data folder is"
done

need_program

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# quantize ARCHITECTURE MODEL OPTION...
quantize() {
  weights=$data/weights/$1.safetensors
  model=$scratch/$2
  shift 2
  "$program" quantize --weights "$weights" --calib "$data/imagenet/calib" --labels "$data/imagenet/classes.txt" \
    -o "$model" "$@" >/dev/null
}

mkdir -p "$output/pictures"
quantize deit_tiny_patch16_224 int8.safetensors --softmax int8
quantize deit_tiny_patch16_224 lis4.safetensors --softmax lis4
"$program" attention docs/sample/chelsea.png --block 6 --scale 1 -o "$output/attention.png" \
  --float "$data/weights/deit_tiny_patch16_224.safetensors" -m "$scratch/int8.safetensors" -m "$scratch/lis4.safetensors"

quantize deit_tiny_patch16_224 merged.safetensors --tokens 0,0,0,25,22,30,15,26,5,5,4
"$program" attention docs/sample/chelsea.png --tokens --scale 1 -m "$scratch/merged.safetensors" -o "$output/tokens.png"

quantize vit_tiny_patch16_224 ptf8.safetensors --residual ptf8
"$program" inspect -m "$scratch/ptf8.safetensors" --data "$data/imagenet/calib" -o "$output/pictures"
