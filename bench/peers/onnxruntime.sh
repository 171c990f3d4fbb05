#!/bin/sh
# Compares `intvit bench` with ONNX Runtime's int8 on the same architectures, machine and threads, in one run. Installs
# ONNX Runtime from PyPI into a virtual environment below build/.
#
#   bench/peers/onnxruntime.sh [OPTIONS]     bench/peers/onnxruntime.sh -h tells them
#
# Needs python3 with venv, and build/release/bin/intvit.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
environment=$here/../../build/peers
requirements=$here/requirements.txt
if ! cmp -s "$requirements" "$environment/installed.txt"; then
  python3 -m venv "$environment"
  "$environment/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements"
  cp "$requirements" "$environment/installed.txt"
fi
exec "$environment/bin/python" "$here/onnxruntime_bench.py" "$@"
