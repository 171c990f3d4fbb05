#!/bin/sh
# Makes the model that ships, models/zoo/cifar10_vit.safetensors, of its float weights, models/zoo/cifar10_vit.
# Calibrates on 250 training images of CIFAR-10: of each class every fourth of the first hundred.
#
#   scripts/make-zoo.sh               makes the file anew
#   scripts/make-zoo.sh --check       changes nothing; fails where the file made anew differs from the one there
#
#   --evaluate          afterwards compares the integer model with the float one on the 10,000 test images and prints
#                       the result as JSON and as the model card has it; says what the card and README have to be
#                       changed to, and with --check fails where they have other figures
#   --from FOLDER       first takes over weights, config and log from a run's folder, FOLDER, of intvit-train, and draws
#                       the curve of training. The log becomes the last run of training_log.csv
#   --data FILE         CIFAR-10 as a .tar.gz of train/CLASS/*.jpg and test/CLASS/*.jpg (default:
#                       cifar10/cifar10_jpeg.tar.gz in $INTVIT_DATA, else in ../shared/data beside the repository)
#   --program FILE      the intvit program (default: build/release/bin/intvit, which is built first)
#
# OMP_NUM_THREADS sets the threads and INTVIT_ISA the instruction set; the bytes do not depend on them.
set -eu
cd "$(dirname "$0")/.."
. scripts/options.sh
. scripts/cifar10.sh

zoo=models/zoo
weights=$zoo/cifar10_vit
shipped=$zoo/cifar10_vit.safetensors
check=""
evaluate=""
from=""
data=${INTVIT_DATA:-../shared/data}/cifar10/cifar10_jpeg.tar.gz
program=""
take_options "from data program" "check evaluate" "$@"
[ -z "$from" ] || [ -z "$check" ] || usage "--from changes files, --check does not"
[ -f "$data" ] || fail "$data: no such file; --data or INTVIT_DATA says where CIFAR-10 is"

need_program

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

source=$weights
if [ -n "$from" ]; then
  for file in model.safetensors config.json log.csv; do
    [ -f "$from/$file" ] || fail "$from/$file: no such file; --from takes a folder that intvit-train wrote"
  done
  # Nothing is replaced before all has been made. The folder's name becomes part of the model's provenance.
  source=$scratch/cifar10_vit
  mkdir "$source"
  cp "$from/model.safetensors" "$from/config.json" "$source/"
  scripts/training-curve.py $weights/training_log.csv --add "$from/log.csv" --log "$source/training_log.csv" \
    -o "$scratch/training_curve.svg"
fi

cifar10_calibration "$data" "$scratch"

made=$scratch/cifar10_vit.safetensors
"$program" quantize --weights "$source" --calib "$scratch/train" --residual ptf8 --softmax lis4 --errors-by layer \
  -o "$made" >/dev/null
if [ -n "$check" ]; then
  cmp "$made" $shipped >&2 || fail "$shipped is not what this build makes of $weights"
  echo "$shipped: $(wc -c <$shipped) bytes, the same as made anew of $weights"
else
  if [ -n "$from" ]; then
    cp "$source"/* $weights/
    cp "$scratch/training_curve.svg" docs/
  fi
  cp "$made" $shipped
  echo "$shipped: written, $(wc -c <$shipped) bytes"
fi

if [ -n "$evaluate" ]; then
  cifar10_test "$data" "$scratch"
  "$program" eval -m "$made" --data "$scratch/test" --float $weights --format json >"$scratch/eval.json"
  cat "$scratch/eval.json"
  tr -d '{}"' <"$scratch/eval.json" | tr ',' '\n' |
    awk -F: -v card="$scratch/card.txt" -v readme="$scratch/readme.txt" '{ value[$1] = $2 } END {
    printf "| float | %.2f %% |\n", value["float_top1"] >card
    printf "| integer | %.2f %% (the same class as float on %.2f %%, mean logit cosine %.4f) |\n",
      value["top1"], value["agreement"], value["cosine"] >card
    printf "It gets %.2f %% of CIFAR-10\047s test images right, its float original %.2f %%", value["top1"],
      value["float_top1"] >readme
  }'
  cat "$scratch/card.txt"
  lacks=""
  while IFS= read -r line; do
    grep -qxF "$line" $zoo/README.md || lacks="$lacks
$zoo/README.md: $line"
  done <"$scratch/card.txt"
  tr '\n' ' ' <README.md | grep -qF "$(cat "$scratch/readme.txt")" || lacks="$lacks
README.md: $(cat "$scratch/readme.txt")"
  if [ -n "$lacks" ]; then
    echo "to be put right:$lacks" >&2
    [ -z "$check" ] || exit 1
  fi
fi

if [ -n "$from" ]; then
  echo "For README.md's first screen (docs/sample/chelsea.png):"
  "$program" classify -m $shipped docs/sample/chelsea.png
fi
