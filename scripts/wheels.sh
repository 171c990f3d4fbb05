#!/bin/sh
# Builds the wheel for x86-64 into build/wheels, repaired and shown by auditwheel, and runs all tests of the package with
# it as a user installs it, in a fresh environment.
#
# A wheel is for any Python 3: the package calls its library through the C interface. What a wheel needs of the system is
# the C library alone: the C++ library and libwebp are linked into it. Without sentencepiece, of which Debian has no
# static library: SigLIP's tokenizer is not read. What is needed of PyPI is fetched by its hashes; where it cannot be had,
# says SKIPPED and ends with exit code 77.
set -eu
cd "$(dirname "$0")/.."
root=$PWD
out=build/wheels
skip() {
  echo "$0: SKIPPED: $1, so no wheels were built" >&2
  exit 77
}
scripts/install-deps.sh python || skip "Debian's packages for Python could not be installed"
mkdir -p $out
tools=build/wheels-venv
python3 -m venv $tools || skip "python3 makes no virtual environment"
for list in python wheels; do
  $tools/bin/python -m pip install -q --require-hashes --only-binary :all: -r scripts/requirements/$list.txt ||
    skip "PyPI does not give what scripts/requirements/$list.txt lists"
done
PATH=$root/$tools/bin:$PATH

# wheel NAME TRIPLE SOURCES [OPTION ...]: NAME.whl in build/wheels/NAME, unrepaired.
wheel() {
  name=$1
  libraries=$2
  sources=$3
  shift 3
  rm -rf "$out/$name"
  flags="-static-libstdc++ -static-libgcc"
  python -m pip wheel -q --no-build-isolation --no-deps -w "$out/$name" "$sources" -C "build-dir=$root/build/wheel-$name" \
    -C cmake.define.CMAKE_SHARED_LINKER_FLAGS="$flags" -C cmake.define.CMAKE_EXE_LINKER_FLAGS="$flags" \
    -C cmake.define.WEBP_LIBRARY="$libraries/libwebp.a" -C cmake.define.WEBP_DEMUX_LIBRARY="$libraries/libwebpdemux.a" \
    -C cmake.define.INTVIT_SENTENCEPIECE=OFF "$@"
}

# repair WHEEL ARCHITECTURE: with the tag of the oldest systems that it runs on.
repair() {
  tag=$(auditwheel show "$1" | tr '\n' ' ' | grep -o "manylinux_[0-9_]*_$2" | head -n 1)
  rm -f $out/intvit-*"$2".whl
  auditwheel repair -q --plat "$tag" -w $out "$1" 2>/dev/null || auditwheel repair --plat "$tag" -w $out "$1"
  repaired=$(ls $out/intvit-*"$2".whl)
  auditwheel show "$repaired"
  twine check --strict "$repaired"
  ls -l "$repaired"
}

# installed_passes FILE: all tests of the package, with the file installed into a fresh environment.
installed_passes() {
  fresh=build/wheels-fresh
  rm -rf $fresh
  python3 -m venv $fresh
  $fresh/bin/python -m pip install -q --require-hashes --only-binary :all: -r scripts/requirements/python.txt
  $fresh/bin/python -m pip install -q --no-deps --no-index "$1"
  $fresh/bin/python -m pip check
  $fresh/bin/python -m pytest -q -p no:cacheprovider --ignore python/tests/clusters python/tests
}

wheel x86_64 /usr/lib/x86_64-linux-gnu .
repair $out/x86_64/intvit-*.whl x86_64
installed_passes "$repaired"
echo "$0: passed"
