#!/bin/sh
# Writes each list of Python packages with their versions and the hashes of their files, NAME.txt, from what is wanted,
# NAME.in. pip installs from the former and takes nothing else. Needs the network; to be run to move to newer versions.
#
#   scripts/lock-requirements.sh [NAME.in ...]      default: all
set -eu
cd "$(dirname "$0")/.."
oldest_python=3.11 # Debian 12's
[ $# -gt 0 ] || set -- scripts/requirements/*.in bench/peers/requirements/*.in
python3 -m venv build/lock-venv
build/lock-venv/bin/python -m pip install -q uv
for wanted; do
  options="--only-binary :all:"
  # Not what torch itself needs: its libraries are taken out of the wheel.
  [ "$wanted" != scripts/requirements/torch.in ] || options="$options --no-deps"
  [ "$wanted" != scripts/requirements/pyspark.in ] || options="" # comes as its sources alone
  # shellcheck disable=SC2086 # a list of words
  build/lock-venv/bin/uv pip compile --quiet --no-config --universal --python-version $oldest_python --upgrade \
    --generate-hashes --no-annotate --no-header $options -o "${wanted%.in}.txt" "$wanted"
done
