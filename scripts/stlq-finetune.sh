#!/bin/sh
# STLQ weights on the model that ships, models/zoo/cifar10_vit: quantized after training, and fine-tuned by distillation,
# with the paper's auxiliary tensor v and with the set of two-word weights fixed without it. Prints the table of
# docs/stlq.md, "Fine-tuning": on CIFAR-10's test images top-1 accuracy, and agreement and cosine with the float model.
#
#   scripts/stlq-finetune.sh
#
#   --ratios "R ..."    percent of weights with two words (default: "10 50")
#   --epochs N          of fine-tuning (default: 10)
#   --out FOLDER        runs and models (default: build/stlq). What is there already is gone on with: stop it in any
#                       way and start it again
#   --data FILE         CIFAR-10 as a .tar.gz of train/CLASS/*.jpg and test/CLASS/*.jpg (default:
#                       cifar10/cifar10_jpeg.tar.gz in $INTVIT_DATA, else in ../shared/data beside the repository)
#   --program FILE, --trainer FILE
#                       intvit and intvit-train (default: those of build/release/bin; docs/training.md tells how to build
#                       the latter)
#
# OMP_NUM_THREADS sets the threads.
set -eu
cd "$(dirname "$0")/.."
. scripts/options.sh
. scripts/cifar10.sh

weights=models/zoo/cifar10_vit
ratios="10 50"
epochs=10
out=build/stlq
data=${INTVIT_DATA:-../shared/data}/cifar10/cifar10_jpeg.tar.gz
program=build/release/bin/intvit
trainer=build/release/bin/intvit-train
take_options "ratios epochs out data program trainer" "" "$@"
[ -f "$data" ] || fail "$data: no such file; --data or INTVIT_DATA says where CIFAR-10 is"
for file in "$program" "$trainer"; do
  [ -x "$file" ] || fail "$file: no such program; docs/training.md tells how it is built"
done

mkdir -p "$out"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cifar10_calibration "$data" "$scratch"
cifar10_test "$data" "$scratch"

# tune NAME [OPTION ...]: a run of the trainer into $out/NAME, or the rest of it.
tune() {
  run=$out/$1
  shift
  [ ! -f "$run/checkpoint.safetensors" ] || set -- "$@" --resume "$run/checkpoint.safetensors"
  GLIBC_TUNABLES=${GLIBC_TUNABLES:-glibc.malloc.hugetlb=1} "$trainer" --data "$data" -o "$run" --init $weights \
    --distil --optimizer muon --lr 2e-4 --warmup 0.1 --weight-decay 0.1 --cutmix 0.3 --seed 3 --epochs "$epochs" \
    --eval-every "$epochs" "$@" >&2
}

# evaluate MODEL WEIGHTS: MODEL on the test images beside float weights; value NAME tells one of the results.
evaluate() {
  "$program" eval -m "$1" --data "$scratch/test" --float "$2" --format json | tr -d '{}"' | tr ',' '\n' >"$scratch/eval"
}
value() { sed -n "s/^$1: *//p" "$scratch/eval"; }

# measure NAME WEIGHTS [OPTION ...]: quantizes to $out/NAME.safetensors and evaluates; sets what row prints.
measure() {
  model=$out/$1.safetensors
  floats=$2
  shift 2
  "$program" quantize --weights "$floats" --calib "$scratch/train" --residual ptf8 --softmax lis4 --weight-format stlq \
    "$@" -o "$model" >/dev/null
  bits=$("$program" info -m "$model" --format json | sed -n 's/.*"bits_per_weight": *\([0-9.]*\).*/\1/p')
  float=""
  if [ "$floats" != "$weights" ]; then
    evaluate "$model" "$floats"
    float=$(value float_top1)
  fi
  evaluate "$model" $weights
  integer=$(value top1)
  agreement=$(value agreement)
  cosine=$(value cosine)
}

# row R HOW: the next row, of what was measured last.
row() {
  printf '| %s %% | %s | %.2f | %s | %.2f | %.2f | %.4f |\n' \
    "$1" "$2" "$bits" "$float" "$integer" "$agreement" "$cosine" >>"$scratch/table"
}

for ratio in $ratios; do
  # With as many bits.
  measure "post-training-$ratio" $weights --average-bits "$(echo "$ratio" | awk '{ print 4.25 + $1 / 50 }')"
  row "$ratio" "after training"
  for way in v fixed; do
    name=distilled-$way-$ratio
    if [ $way = v ]; then
      tune "$name" --stlq-ratio "$ratio"
      label="distilled, with v"
    else
      tune "$name" --stlq-ratio "$ratio" --stlq-fixed
      label="distilled, fixed set"
    fi
    measure "$name" "$out/$name"
    row "$ratio" "$label"
  done
done

echo "| R | | bits a weight | float activations | integer | agreement % | cosine |"
echo "|---|---|--:|--:|--:|--:|--:|"
cat "$scratch/table"
