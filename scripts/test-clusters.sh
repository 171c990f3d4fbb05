#!/bin/sh
# Tests the package's modules for Ray, Spark and Beam on clusters of two workers on this machine (docs/scaling.md), in an
# environment of its own, build/clusters-venv. Needs Java 17 for Spark. What is needed of PyPI (800 MB) is fetched by its
# hashes; where it cannot be had, says SKIPPED and ends with exit code 77.
set -eu
cd "$(dirname "$0")/.."
venv=build/clusters-venv
skip() {
  echo "$0: SKIPPED: $1, so nothing was tested on clusters" >&2
  exit 77
}
scripts/install-deps.sh python clusters || skip "Debian's packages could not be installed"
python3 -m venv "$venv" || skip "python3 makes no virtual environment"
"$venv/bin/python" -m pip install -q --require-hashes --only-binary :all: -r scripts/requirements/clusters.txt ||
  skip "PyPI does not give what scripts/requirements/clusters.txt lists"
# Which comes as its sources alone.
"$venv/bin/python" -m pip install -q --require-hashes --no-build-isolation -r scripts/requirements/pyspark.txt ||
  skip "PyPI does not give what scripts/requirements/pyspark.txt lists"
"$venv/bin/python" -m pip install -q --no-build-isolation --no-deps .
for engine in ray pyspark apache-beam; do
  echo "$engine $("$venv/bin/python" -c "import importlib.metadata as m; print(m.version('$engine'))")"
done
export PYSPARK_PYTHON="$PWD/$venv/bin/python" PYSPARK_DRIVER_PYTHON="$PWD/$venv/bin/python"
for engine in ray spark beam; do # each leaves processes of its own
  "$venv/bin/python" -m pytest -q -p no:cacheprovider --durations=3 python/tests/clusters/test_$engine.py
done
