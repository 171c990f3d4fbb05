#!/bin/sh
# Writes the manual page and bash's completion of the program, made from what its -h prints, so that they tell its options.
#
#   make-manual.sh FOLDER [EMULATOR ...] PROGRAM      writes FOLDER/intvit.1 and FOLDER/intvit.bash
set -eu
folder=$1
shift
mkdir -p "$folder"
help=$("$@" -h)
version=$(echo "$help" | sed -n '1s/^intvit \([^:]*\):.*/\1/p')
# Lines of two blanks, a name, blanks and a purpose.
subcommands=$(echo "$help" | sed -n 's/^  \([a-z]*\)  *[a-z].*/\1/p')
[ -n "$version" ] && [ -n "$subcommands" ] || {
  echo "$0: $* -h tells no version or no subcommands" >&2
  exit 1
}

# Text as troff takes it: its own characters are escaped.
text() {
  sed -e 's/\\/\\e/g' -e 's/-/\\-/g' -e "s/^\\([.']\\)/\\\\\\&\\1/"
}

# The help of a subcommand: paragraphs, then a usage line, then options, whose texts go on in indented lines. The sets of
# instructions of the machine that this runs on are left out.
page() {
  awk '
    function option() {
      if (names == "") return
      sub(/ else the fastest of: [a-z0-9, -]*\)/, " else the fastest)", explained)
      print ".TP\n\\fB" names "\\fR\n" explained
      names = explained = ""
    }
    { sub(/ *$/, "") }
    /^Usage:$/ { usage = 1; next }
    !usage { if ($0 == "") print ".PP"; else print; next }
    usage == 1 { sub(/^ */, ""); if ($0 == "") next; print ".PP\n\\fB" $0 "\\fR"; usage = 2; next }
    /^ *$/ { next }
    /^ ? ? ? ? ? ? ?-/ {
      option()
      line = $0
      sub(/^ */, "", line)
      at = match(line, /  +/)
      names = at ? substr(line, 1, at - 1) : line
      explained = at ? substr(line, at + RLENGTH) : ""
      next
    }
    { sub(/^ */, ""); explained = explained (explained == "" ? "" : " ") $0 }
    END { option() }'
}

{
  echo ".TH INTVIT 1 \"\" \"intvit $version\" \"User Commands\""
  echo ".SH NAME"
  echo "$help" | sed -n '1s/^intvit [^:]*: /intvit - /p' | text
  echo ".SH SYNOPSIS"
  echo ".B intvit"
  echo "SUBCOMMAND [OPTIONS]"
  echo ".SH DESCRIPTION"
  echo "Runs Vision Transformers on CPUs with integers only, and makes integer models of float weights. Results go to"
  echo "standard output, messages to standard error."
  echo ".SH SUBCOMMANDS"
  for subcommand in $subcommands; do
    echo ".SS intvit $subcommand"
    "$@" "$subcommand" -h | text | sed 's/\\-/-/g' | page | sed 's/-/\\-/g'
  done
  echo ".SH ENVIRONMENT"
  printf '.TP\n.B INTVIT_MODEL\nThe model file where none is named.\n'
  printf '.TP\n.B INTVIT_ISA\nThe instruction set where none is named; results do not depend on it.\n'
  printf '.TP\n.B OMP_NUM_THREADS\nThe number of threads where none is named.\n'
  echo ".SH EXIT STATUS"
  printf '.TP\n0\nAll went well.\n.TP\n1\nSomething could not be read, written or computed.\n'
  printf '.TP\n2\nThe command line is wrong.\n.TP\n130, 143\nSIGINT or SIGTERM ended the program.\n'
} >"$folder/intvit.1"

{
  echo "# bash completion of intvit: subcommands, their options, and files."
  echo "_intvit() {"
  echo "  local word=\${COMP_WORDS[COMP_CWORD]} options="
  echo "  COMPREPLY=()"
  echo "  if [ \"\$COMP_CWORD\" -eq 1 ]; then"
  echo "    COMPREPLY=(\$(compgen -W \"$(echo "$subcommands" | tr '\n' ' ')-h --version\" -- \"\$word\"))"
  echo "    return"
  echo "  fi"
  echo "  case \${COMP_WORDS[1]} in"
  for subcommand in $subcommands; do
    options=$("$@" "$subcommand" -h | sed -n -e 's/^  \(-[a-zA-Z0-9]\), \(--[a-z0-9-]*\).*/\1 \2/p' -e 's/^      \(--[a-z0-9-]*\).*/\1/p' |
      tr '\n' ' ')
    echo "  $subcommand) options=\"${options% }\" ;;"
  done
  echo "  esac"
  echo "  case \$word in"
  echo "  -*) COMPREPLY=(\$(compgen -W \"\$options\" -- \"\$word\")) ;;"
  echo "  *) mapfile -t COMPREPLY < <(compgen -f -- \"\$word\") ;;"
  echo "  esac"
  echo "}"
  echo "complete -o filenames -F _intvit intvit"
} >"$folder/intvit.bash"
