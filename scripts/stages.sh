# shellcheck shell=sh
# For .ci/run and scripts/test-all.sh: stages, each a command, whose times are remembered in the file $logs/times, and what
# each printed in $logs/NAME.log.

failed=""
mkdir -p "$logs"
: >"$logs/times"

# stage NAME COMMAND ...: runs it. Exit code 77 says that something it needs cannot be had here.
stage() {
  stage_name=$1
  shift
  echo "== $stage_name"
  stage_began=$(date +%s)
  # Through a named pipe, because a stage waits for what an earlier one started: that must be this shell's own child.
  rm -f "$logs/pipe"
  mkfifo "$logs/pipe"
  tee "$logs/$stage_name.log" <"$logs/pipe" &
  stage_tee=$!
  "$@" >"$logs/pipe" 2>&1 && stage_code=0 || stage_code=$?
  wait "$stage_tee"
  case $stage_code in
  0) stage_result=passed ;;
  77) stage_result=SKIPPED ;;
  *)
    stage_result=FAILED
    failed="$failed
  $stage_name"
    ;;
  esac
  echo "$(($(date +%s) - stage_began)) $stage_result $stage_name" >>"$logs/times"
}

# print_times SECONDS: the stages and their times, and how long all took.
print_times() {
  echo
  echo "seconds  stage"
  while read -r seconds result name; do
    note=""
    [ "$result" = passed ] || note="  ($result)"
    printf '%7d  %s%s\n' "$seconds" "$name" "$note"
  done <"$logs/times"
  printf '%7d  %s\n\n' "$1" "all"
}

# print_failures: of every stage that failed, the first lines that tell why, each with what follows it, and its last lines.
print_failures() {
  while read -r seconds result name; do
    [ "$result" = FAILED ] || continue
    echo "== why $name failed after $seconds s: all that it printed is in $logs/$name.log"
    grep -n -A 12 -E '^FAILED:|\berror:|\*\*\*|ERROR: |WARNING: ThreadSanitizer|runtime error:|FAILED:' "$logs/$name.log" |
      head -n 60 || true
    echo "== its last lines"
    tail -n 25 "$logs/$name.log"
    echo
  done <"$logs/times"
}
