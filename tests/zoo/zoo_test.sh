#!/bin/sh
# Tests of the model that ships and of the scripts that make it. Those that change files do so in a copy.
#
#   zoo_test.sh CASE [PROGRAM]      CASE: reproduce, install, curve; PROGRAM: intvit, for the first two
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
data=${INTVIT_DATA:-$root/../shared/data}/cifar10/cifar10_jpeg.tar.gz
program=${2:-}
weights=models/zoo/cifar10_vit
shipped=models/zoo/cifar10_vit.safetensors
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

need_data() {
  if [ ! -f "$data" ]; then
    [ -z "${INTVIT_REQUIRE_DATA:-}" ] || fail "$data is not there, and INTVIT_REQUIRE_DATA is set"
    echo "[skipped] needs cifar10/cifar10_jpeg.tar.gz of the data folder (set INTVIT_DATA)"
    exit 0
  fi
}

need_python() {
  if ! command -v python3 >/dev/null; then
    echo "[skipped] needs python3"
    exit 0
  fi
}

fail() {
  echo "FAILED: $*"
  exit 1
}

# Runs a command that must end with this exit code and print this to standard error.
refused() {
  code=0
  expected_code=$1
  expected=$2
  shift 2
  "$@" >"$work/out" 2>"$work/err" || code=$?
  [ "$code" -eq "$expected_code" ] || fail "$*: exit code $code: $(cat "$work/err")"
  grep -qF -e "$expected" "$work/err" || fail "$*: says \"$(cat "$work/err")\" instead of \"$expected\""
}

copy_repository() {
  mkdir -p "$work/copy/models" "$work/copy/docs"
  cp -r "$root/scripts" "$work/copy/"
  cp -r "$root/models/zoo" "$work/copy/models/"
  cp -r "$root/docs/sample" "$work/copy/docs/"
}

# The shipped file is what the float weights give, to the last byte, here with one thread and the reference kernels, in
# `install` with what this machine has; one changed byte is noticed.
reproduce() {
  need_data
  OMP_NUM_THREADS=1 INTVIT_ISA=reference "$root/scripts/make-zoo.sh" --check --data "$data" --program "$program"
  copy_repository
  printf 'x' | dd of="$work/copy/$shipped" bs=1 seek=1000000 conv=notrunc 2>/dev/null
  # What was made is the true file: there is no need to make it once more.
  printf '#!/bin/sh\nfor file; do :; done\ncp "%s" "$file"\n' "$root/$shipped" >"$work/program"
  chmod +x "$work/program"
  refused 1 "$shipped is not what this build makes of $weights" \
    "$work/copy/scripts/make-zoo.sh" --check --data "$data" --program "$work/program"
  grep -q ' 1000001, ' "$work/err" || fail "another byte differs, too: $(cat "$work/err")"
}

# --from takes over weights, config and log, and draws the curve; what cannot be taken over changes nothing.
install_run() {
  need_data
  need_python
  copy_repository
  make_zoo="$work/copy/scripts/make-zoo.sh"
  run=$work/run
  mkdir "$run"
  cp "$root/$weights/model.safetensors" "$root/$weights/config.json" "$run/"
  refused 1 "$run/log.csv: no such file" "$make_zoo" --data "$data" --program "$program" --from "$run"
  echo "some,other,file" >"$run/log.csv"
  refused 1 "$run/log.csv: not a log of intvit-train" "$make_zoo" --data "$data" --program "$program" --from "$run"
  printf '%s\n' "$log_header" "1,390,0.002,1.2,70,0.7,80,100" >"$run/log.csv"
  head -c 100000 "$root/$weights/model.safetensors" >"$run/model.safetensors"
  refused 1 "model.safetensors: " "$make_zoo" --data "$data" --program "$program" --from "$run"
  diff -r "$root/models/zoo" "$work/copy/models/zoo" || fail "a refused run changed files"
  cp "$root/$weights/model.safetensors" "$run/"
  refused 1 "/nonexistent: no such file" "$make_zoo" --data /nonexistent
  refused 2 "--from changes files, --check does not" "$make_zoo" --check --from "$run" --data "$data"
  refused 2 "--data needs a value" "$make_zoo" --data
  refused 2 "unknown option --nonsense" "$make_zoo" --nonsense

  rm "$work/copy/$shipped" "$work/copy/$weights/model.safetensors" "$work/copy/$weights/config.json"
  "$make_zoo" --data "$data" --program "$program" --from "$run" >"$work/out"
  cmp "$root/$shipped" "$work/copy/$shipped"
  cmp "$root/$weights/model.safetensors" "$work/copy/$weights/model.safetensors"
  cmp "$root/$weights/config.json" "$work/copy/$weights/config.json"
  runs=$(tail -n 1 "$root/$weights/training_log.csv" | cut -d, -f1)
  [ "$(tail -n 1 "$work/copy/$weights/training_log.csv")" = "$((runs + 1)),1,390,0.002,1.2,70,0.7,80,100" ] ||
    fail "the run is not the log's last"
  grep -q ">run $((runs + 1))</text>" "$work/copy/docs/training_curve.svg" || fail "the curve lacks the new run"
  grep -q '%  cat$' "$work/out" || fail "the sample's classes are not printed: $(cat "$work/out")"
}

log_header=epoch,step,learning_rate,train_loss,train_top1,test_loss,test_top1,seconds

# The picture in docs/ is of the log that ships; its points are where the log says; logs are joined and checked.
curve() {
  need_python
  draw=$root/scripts/training-curve.py
  "$draw" "$root/$weights/training_log.csv" -o "$work/curve.svg"
  cmp "$work/curve.svg" "$root/docs/training_curve.svg" ||
    fail "docs/training_curve.svg is not of $weights/training_log.csv: redraw it with scripts/training-curve.py"

  # Two epochs; losses from 1 to 2 and top-1 from 50 to 75: the diagrams' corners are known.
  log=$work/log.csv
  printf '%s\n' "$log_header" "1,10,0.1,2,50,1.5,60,5" "2,20,0.1,1,75,,,9" >"$log"
  "$draw" "$log" -o "$work/two.svg"
  for path in 'class="train" d="M 195.0,50.0 340.0,270.0"' 'class="test" d="M 195.0,160.0"' \
    'class="train" d="M 575.0,270.0 720.0,50.0"' 'class="test" d="M 575.0,182.0"'; do
    grep -qF "$path" "$work/two.svg" || fail "no $path in $(cat "$work/two.svg")"
  done
  python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' "$work/two.svg"

  # Another run is appended; the same run with more epochs takes its own place.
  printf '%s\n' "$log_header" "1,10,0.1,0.9,76,0.8,77,5" >"$work/more.csv"
  "$draw" "$log" --add "$work/more.csv" --log "$work/joined.csv" -o "$work/joined.svg"
  echo "2,20,0.1,0.8,78,0.7,79,9" >>"$work/more.csv"
  "$draw" "$work/joined.csv" --add "$work/more.csv" --log "$work/joined.csv" -o "$work/joined.svg"
  printf '%s\n' "run,$log_header" "1,1,10,0.1,2,50,1.5,60,5" "1,2,20,0.1,1,75,,,9" "2,1,10,0.1,0.9,76,0.8,77,5" \
    "2,2,20,0.1,0.8,78,0.7,79,9" | cmp - "$work/joined.csv"
  grep -q 'over 4 epochs; test images 79.00 % after epoch 4' "$work/joined.svg" || fail "the title is wrong"

  refused 1 "/nonexistent.csv" "$draw" /nonexistent.csv -o "$work/never.svg"
  echo "x" >"$log"
  refused 1 "$log: not a log of intvit-train" "$draw" "$log" -o "$work/never.svg"
  echo "$log_header" >"$log"
  refused 1 "$log: has no epoch" "$draw" "$log" -o "$work/never.svg"
  echo "1,10,0.1,many,50,1.5,60,5" >>"$log"
  refused 1 "$log:2: train_loss is no number: \"many\"" "$draw" "$log" -o "$work/never.svg"
  printf '%s\n' "$log_header" "1,10,0.1,2,50,1.5,60" >"$log"
  refused 1 "$log:2: has 7 columns" "$draw" "$log" -o "$work/never.svg"
  printf '%s\n' "$log_header" "2,10,0.1,2,50,1.5,60,5" >"$log"
  refused 1 "$log:2: epoch 2 does not follow epoch 0" "$draw" "$log" -o "$work/never.svg"
  printf '%s\n' "run,$log_header" "2,1,10,0.1,2,50,1.5,60,5" >"$log"
  refused 1 "$log:2: run \"2\" does not follow run 0" "$draw" "$log" -o "$work/never.svg"
  refused 1 "/nonexistent/c.svg" "$draw" "$work/more.csv" -o /nonexistent/c.svg
  [ ! -e "$work/never.svg" ] || fail "a refused log was drawn"
}

case $1 in
reproduce) reproduce ;;
install) install_run ;;
curve) curve ;;
*) fail "no test $1" ;;
esac
echo "ok"
