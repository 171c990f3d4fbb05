#!/bin/sh
# Builds and installs the Python package into an environment of its own, build/python-venv, and tests it. What it needs
# of PyPI is fetched first, as scripts/requirements/python.txt lists it; where that cannot be had, says SKIPPED and ends
# with exit code 77.
set -eu
cd "$(dirname "$0")/.."
venv=build/python-venv
skip() {
  echo "$0: SKIPPED: $1, so the Python package was neither built nor tested" >&2
  exit 77
}
scripts/install-deps.sh python || skip "Debian's packages for Python could not be installed"
python3 -m venv "$venv" || skip "python3 makes no virtual environment"
"$venv/bin/python" -m pip install -q --require-hashes --only-binary :all: -r scripts/requirements/python.txt ||
  skip "PyPI does not give what scripts/requirements/python.txt lists"
"$venv/bin/python" -m pip install -q --no-build-isolation --no-deps .
"$venv/bin/python" -m pytest -q --ignore python/tests/clusters python/tests
"$venv/bin/python" -m mypy --strict examples/classify.py
"$venv/bin/python" -m mypy --strict --python-version 3.10 python/intvit
installed=$("$venv/bin/python" -c 'import intvit; print(intvit.__path__[0])')
sh tests/hardening/hardening.sh readelf relro,now,stack,canary "$installed/libintvit.so"
sh tests/hardening/hardening.sh readelf relro,now,stack,canary "$installed/bin/intvit"
