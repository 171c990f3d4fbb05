#!/bin/sh
# Builds what is uploaded to PyPI, into build/wheels, and tests it as a user installs it, in fresh environments:
#
#   scripts/wheels.sh [x86_64|aarch64|sdist ...]      default: all
#
#   x86_64    the wheel of this machine, repaired and shown by auditwheel; all tests of the package with it
#   aarch64   the same by Debian's cross compiler, with a Python of Debian's for 64-bit Arm in an emulator, which takes half
#             a minute for a test: some of those that start no program, which the emulator cannot do
#   sdist     the sources; a wheel is built of them, with libraries of headers that CMake fetches, as where Debian's
#             packages are missing (with Debian's where nothing can be fetched, and says so); all tests with it
#
# A wheel is for any Python 3: the package calls its library through the C interface. What a wheel needs of the system are
# the C library and libgcc_s: the C++ library and libwebp are linked into it. (libgcc, too, would bring a symbol of glibc
# 2.35.) Without sentencepiece, of which Debian has no
# static library: SigLIP's tokenizer is not read. What is needed of PyPI is fetched by its hashes; where it cannot be had,
# says SKIPPED and ends with exit code 77.
set -eu
cd "$(dirname "$0")/.."
root=$PWD
out=build/wheels
[ $# -gt 0 ] || set -- x86_64 aarch64 sdist
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

# wheel NAME LIBRARIES SOURCES [OPTION ...]: NAME.whl in build/wheels/NAME, unrepaired. Built inside the sources' folder,
# so that paths from there are the same whatever the folder is called, and ccache finds what was compiled before.
wheel() {
  name=$1
  libraries=$2
  sources=$3
  shift 3
  rm -rf "${out:?}/$name"
  python -m pip wheel -q --no-build-isolation --no-deps -w "$out/$name" "$sources" \
    -C "build-dir=$sources/build/wheel-$name" \
    -C cmake.define.CMAKE_SHARED_LINKER_FLAGS=-static-libstdc++ -C cmake.define.CMAKE_EXE_LINKER_FLAGS=-static-libstdc++ \
    -C cmake.define.WEBP_LIBRARY="$libraries/libwebp.a" -C cmake.define.WEBP_DEMUX_LIBRARY="$libraries/libwebpdemux.a" \
    -C cmake.define.INTVIT_SENTENCEPIECE=OFF "$@"
}

# repair WHEEL ARCHITECTURE: with the tag of the oldest systems that it runs on.
repair() {
  rm -f $out/intvit-*"$2".whl
  auditwheel repair -w $out "$1"
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

x86_64() {
  wheel x86_64 /usr/lib/x86_64-linux-gnu "$root"
  repair $out/x86_64/intvit-*.whl x86_64
  installed_passes "$repaired"
}

# Debian's packages for 64-bit Arm, unpacked into a folder; this machine's own packages stay as they are.
arm_folder() {
  arm=$root/build/wheels-arm
  mkdir -p "$arm/state/lists/partial" "$arm/cache/archives/partial" "$arm/debs"
  touch "$arm/status"
  cat >"$arm/apt.conf" <<CONF
APT::Architecture "arm64";
APT::Architectures "arm64";
Dir::State "$arm/state";
Dir::State::status "$arm/status";
Dir::Cache "$arm/cache";
APT::Sandbox::User "root";
CONF
  (
    export APT_CONFIG="$arm/apt.conf"
    cd "$arm/debs"
    apt-get update -qq
    apt-get download -qq libwebp-dev libc6 libgcc-s1 libstdc++6 python3.11-minimal libpython3.11-minimal \
      libpython3.11-stdlib zlib1g libexpat1 libffi8 libssl3 libsqlite3-0 libbz2-1.0 liblzma5 libuuid1 libcrypt1
  ) || return 1
  for package in "$arm"/debs/*.deb; do
    dpkg -x "$package" "$arm/root"
  done
}

# Of the tests: every instruction set, results of every kind, what is refused, pickles, and several images.
few="instruction_set or exact or topk or features or errors or copies or columns or predict"

aarch64() {
  scripts/install-deps.sh aarch64
  arm_folder || skip "Debian's packages for 64-bit Arm could not be had"
  wheel aarch64 "$arm/root/usr/lib/aarch64-linux-gnu" "$root" \
    -C cmake.define.CMAKE_TOOLCHAIN_FILE="$root/cmake/aarch64-linux-gnu.cmake" \
    -C cmake.define.CMAKE_CXX_FLAGS="-Wno-use-after-free -Wno-psabi"
  python -m wheel tags --remove --platform-tag linux_aarch64 $out/aarch64/intvit-*.whl
  repair $out/aarch64/intvit-*aarch64.whl aarch64
  site=$arm/site
  rm -rf "$site"
  python -m pip install -q --require-hashes --target "$site" --only-binary :all: --python-version 3.11 \
    --implementation cp --platform manylinux_2_28_aarch64 --platform manylinux_2_17_aarch64 \
    --platform manylinux2014_aarch64 -r scripts/requirements/python.txt
  python -m zipfile -e "$repaired" "$site"
  emulated="qemu-aarch64 -L $arm/root"
  PYTHONPATH=$site $emulated "$arm/root/usr/bin/python3.11" -m pytest -q -p no:cacheprovider --durations 3 \
    python/tests/test_intvit.py python/tests/test_images.py -k "$few"
  chmod +x "$site/intvit/bin/intvit"
  $emulated "$site/intvit/bin/intvit" classify docs/sample/chelsea.png | grep -q ' cat$'
  $emulated "$site/intvit/bin/intvit" verify
}

# The libraries of headers are not looked for on this system.
fetched="-C cmake.define.CMAKE_DISABLE_FIND_PACKAGE_nlohmann_json=ON -C cmake.define.CMAKE_DISABLE_FIND_PACKAGE_cxxopts=ON
  -C cmake.define.CMAKE_DISABLE_FIND_PACKAGE_Eigen3=ON -C cmake.define.CMAKE_IGNORE_PATH=/usr/include
  -C cmake.define.WEBP_INCLUDE_DIR=/usr/include"

sdist() {
  rm -f $out/intvit-*.tar.gz
  python -c "import sys; from scikit_build_core.build import build_sdist; print(build_sdist(sys.argv[1]))" $out
  archive=$(ls $out/intvit-*.tar.gz)
  twine check --strict "$archive"
  ls -l "$archive"
  unpacked=$root/build/wheels-sources
  rm -rf "$unpacked"
  mkdir -p "$unpacked"
  tar -xzf "$archive" -C "$unpacked" --strip-components 1
  timeout 60 git ls-remote -q https://github.com/nlohmann/json.git HEAD >/dev/null 2>&1 || {
    echo "$0: the libraries of headers cannot be fetched here, so the sources are built with Debian's"
    fetched=""
  }
  # shellcheck disable=SC2086 # a list of words
  wheel sdist /usr/lib/x86_64-linux-gnu "$unpacked" $fetched
  installed_passes $out/sdist/intvit-*.whl
}

for what; do
  case $what in
  x86_64 | aarch64 | sdist) "$what" ;;
  *)
    echo "$0: nothing is known of \"$what\"" >&2
    exit 2
    ;;
  esac
done
echo "$0: passed: $*"
