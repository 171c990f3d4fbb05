# shellcheck shell=sh
# For .ci/run and scripts/test-all.sh: stages, each a command, whose times are remembered in the file $times.

failed=""

# stage NAME COMMAND ...: runs it. Exit code 77 says that something it needs cannot be had here.
stage() {
  stage_name=$1
  shift
  echo "== $stage_name"
  stage_began=$(date +%s)
  "$@" && stage_code=0 || stage_code=$?
  case $stage_code in
  0) stage_result=passed ;;
  77) stage_result=SKIPPED ;;
  *)
    stage_result=FAILED
    failed="$failed
  $stage_name"
    ;;
  esac
  echo "$(($(date +%s) - stage_began)) $stage_result $stage_name" >>"$times"
}

# print_times SECONDS: the stages and their times, and how long all took.
print_times() {
  echo
  echo "seconds  stage"
  while read -r seconds result name; do
    note=""
    [ "$result" = passed ] || note="  ($result)"
    printf '%7d  %s%s\n' "$seconds" "$name" "$note"
  done <"$times"
  printf '%7d  %s\n\n' "$1" "all"
}
