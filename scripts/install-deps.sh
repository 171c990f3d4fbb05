#!/bin/sh
# Installs what the project builds and tests with, from Debian's packages. Does nothing where all is there.
#
#   scripts/install-deps.sh [WHAT ...]
#
# WHAT: besides, what a preset of scripts/test.sh, fuzz (scripts/fuzz.sh), lint, python, clusters, valgrind or web (the
# page in a browser) needs. LibTorch itself is fetched by scripts/install-torch.sh.
set -eu

packages="g++ cmake ninja-build ccache libstb-dev catch2 libcxxopts-dev nlohmann-json3-dev libeigen3-dev libxsimd-dev \
libwebp-dev libsentencepiece-dev"
for what; do
  case $what in
  aarch64) packages="$packages g++-aarch64-linux-gnu qemu-user" ;;
  armhf) packages="$packages g++-arm-linux-gnueabihf qemu-user" ;;
  riscv64) packages="$packages g++-riscv64-linux-gnu qemu-user" ;;
  windows) packages="$packages g++-mingw-w64-x86-64-posix wine wine64" ;;
  asan | clang | fuzz | tsan)
    # Its sanitizers, what makes their reports readable, its linker and its OpenMP.
    packages="$packages clang libclang-rt-14-dev llvm lld libomp-dev"
    ;;
  lint) packages="$packages clang clang-format clang-tidy cppcheck" ;;
  valgrind) packages="$packages valgrind" ;;
  python)
    # A Python from elsewhere will do, if it makes environments.
    python3 -c 'import ensurepip' 2>/dev/null || packages="$packages python3-venv"
    ;;
  clusters) command -v java >/dev/null 2>&1 || packages="$packages openjdk-17-jre-headless" ;;
  web) packages="$packages emscripten chromium python3" ;;
  train)
    packages="$packages zlib1g-dev"
    # For scripts/install-torch.sh; a Python from elsewhere will do.
    python3 -m pip --version >/dev/null 2>&1 || packages="$packages python3-pip"
    ;;
  release | debug | minimal) ;;
  *)
    echo "$0: nothing is known of \"$what\"" >&2
    exit 2
    ;;
  esac
done

missing=""
for package in $packages; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

sudo=""
[ "$(id -u)" -eq 0 ] || sudo="sudo"
# Another installation may be going on: it is waited for.
$sudo apt-get update -qq
# shellcheck disable=SC2086 # a list of words
DEBIAN_FRONTEND=noninteractive $sudo apt-get -o DPkg::Lock::Timeout=600 install -y -qq --no-install-recommends $missing \
  >/dev/null
