# shellcheck shell=sh
# For tests that are scripts: a folder of their own, $work, and what counts their failures in $failures.

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

# fail REASON ...: the test goes on, and in the end must look at $failures.
fail() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}
