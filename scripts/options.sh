# shellcheck shell=sh
# For the scripts that source it: their options, and how they fail.

# usage MESSAGE: the command line makes no sense.
usage() {
  echo "$0: $1 (the head of the script tells the options)" >&2
  exit 2
}

fail() {
  echo "$0: $1" >&2
  exit 1
}

# take_options "NAME ..." "FLAG ..." WORD ...: --NAME VALUE sets the variable NAME, --FLAG sets the variable FLAG to yes.
take_options() {
  names=$1
  flags=$2
  shift 2
  while [ $# -gt 0 ]; do
    name=${1#--}
    case "$1: $names  :  $flags " in
    "--$name:"*" $name "*" : "*)
      [ $# -ge 2 ] || usage "$1 needs a value"
      eval "$name=\$2"
      shift
      ;;
    "--$name:"*" : "*" $name "*) eval "$name=yes" ;;
    *) usage "unknown option $1" ;;
    esac
    shift
  done
}

# Sets `program` to the release build's intvit, which is built first, unless it is set.
need_program() {
  [ -z "$program" ] || return 0
  cmake --preset release >/dev/null
  cmake --build --preset release --target intvit >/dev/null
  program=build/release/bin/intvit
}
