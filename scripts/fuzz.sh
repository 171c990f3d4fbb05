#!/bin/sh
# Builds the fuzz targets with clang, under AddressSanitizer and UndefinedBehaviorSanitizer, and runs them.
#
#   scripts/fuzz.sh [--seconds N] [--seed N] [TARGET...]
#                                               each target (default: all) for N seconds (default: 60), two at once; the
#                                               same seed (default: 1) makes a target try the same inputs
#   scripts/fuzz.sh --million [COUNT]           loads a million mutated model files; goes on where a last call stopped,
#                                               from the beginning where build/fuzz/mutated_loads.txt is deleted
#
# They are built in the tree of the preset asan, as the tests under these sanitizers are. Ends with a table of
# executions, crashes, hangs and largest memory. What a target finds grows build/fuzz/corpus; an input that fails is left
# in build/fuzz/findings, and `build/asan/bin/fuzz_TARGET FILE` repeats it. Fails where anything failed, memory above 2 GB
# and 20 seconds for one input included.
set -eu
cd "$(dirname "$0")/.."
all="command_line graph image import_config model_file random_graph safetensors"
seconds=60
seed=1
million=""
while [ $# -gt 0 ]; do
  case $1 in
  --seconds)
    seconds=${2:?}
    shift 2
    ;;
  --seed)
    seed=${2:?}
    shift 2
    ;;
  --million)
    million=${2:-1000000}
    break
    ;;
  -*)
    echo "$0: unknown option $1" >&2
    exit 2
    ;;
  *) break ;;
  esac
done
targets=$all
if [ -z "$million" ] && [ $# -gt 0 ]; then
  targets=$*
fi
for target in $targets; do
  case " $all " in
  *" $target "*) ;;
  *)
    echo "$0: no target $target; there are: $all" >&2
    exit 2
    ;;
  esac
done

scripts/install-deps.sh fuzz
cmake --preset asan -DINTVIT_TESTS=ON >/dev/null
bin=$PWD/build/asan/bin # whole, because command_line changes its folder
out=$PWD/build/fuzz
mkdir -p "$out"
if [ -n "$million" ]; then
  cmake --build build/asan --target mutated_loads
  exec "$bin"/mutated_loads "$million" "$out"/mutated_loads.txt "$(nproc)"
fi
programs="fuzz_seeds"
for target in $targets; do
  programs="$programs fuzz_$target"
done
# shellcheck disable=SC2086 # a list of words
cmake --build build/asan --target $programs
rm -rf "$out"/seeds "$out"/logs
mkdir -p "$out"/logs "$out"/findings
"$bin"/fuzz_seeds "$out"/seeds

# Messages of command lines go nowhere; libFuzzer's and the sanitizers' do not.
run() {
  mkdir -p "$out"/corpus/"$1" "$out"/findings/"$1"
  quiet=0
  [ "$1" != command_line ] || quiet=3
  slowest=20
  [ "$1" != command_line ] || slowest=60 # a line may quantize a model
  longest=65536
  [ "$1" != image ] || longest=16384 # more can hold pictures of gigabytes
  # One thread, because a target that starts others for every input tries few, and threads have tests of their own.
  # libFuzzer looks at the clock between inputs only.
  OMP_THREAD_LIMIT=1 ASAN_OPTIONS=allocator_may_return_null=1:quarantine_size_mb=16 timeout $((seconds + 300)) \
    "$bin"/fuzz_"$1" -max_total_time="$seconds" -seed="$seed" -timeout=$slowest -rss_limit_mb=2048 -malloc_limit_mb=2048 \
    -max_len=$longest -print_final_stats=1 -close_fd_mask=$quiet -artifact_prefix="$out"/findings/"$1"/ \
    "$out"/corpus/"$1" "$out"/seeds/"$1" >"$out"/logs/"$1".log 2>&1 </dev/null && code=0 || code=$?
  echo $code >"$out"/logs/"$1".code
}

running=0
for target in $targets; do
  run "$target" &
  running=$((running + 1))
  if [ $running -eq 2 ]; then
    wait
    running=0
  fi
done
wait

failed=0
printf '%-14s %12s %10s %8s %6s %10s\n' target executions 'per second' crashes hangs 'memory MB'
for target in $targets; do
  log="$out"/logs/$target.log
  figure() { sed -n "s/^stat::$1: *//p" "$log" | tail -n 1; }
  crashes=0
  hangs=0
  if [ "$(cat "$out"/logs/"$target".code)" -ne 0 ]; then
    failed=1
    # 124: timeout ended what should have ended by itself.
    if [ "$(cat "$out"/logs/"$target".code)" -eq 124 ] || grep -q 'ERROR: libFuzzer: timeout' "$log"; then
      hangs=1
    else
      crashes=1
    fi
  fi
  printf '%-14s %12s %10s %8s %6s %10s\n' "$target" "$(figure number_of_executed_units)" \
    "$(figure average_exec_per_sec)" $crashes $hangs "$(figure peak_rss_mb)"
done
for target in $targets; do
  if [ "$(cat "$out"/logs/"$target".code)" -ne 0 ]; then
    echo "$0: $target failed; the end of $out/logs/$target.log:" >&2
    grep -v '^#' "$out"/logs/"$target".log | tail -n 40 >&2
  fi
done
exit $failed
