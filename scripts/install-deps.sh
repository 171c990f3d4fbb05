#!/bin/sh
# Installs what the project builds and tests with, from Debian's packages. Does nothing where all is there.
#
#   scripts/install-deps.sh [aarch64|fuzz|train|python]
#
# Besides, what cross builds for 64-bit Arm need, the fuzz targets, intvit-train but for LibTorch itself, or the Python
# package.
set -eu

packages="g++ cmake ninja-build libstb-dev catch2 libcxxopts-dev nlohmann-json3-dev libeigen3-dev libxsimd-dev"
case ${1:-} in
aarch64)
  packages="$packages g++-aarch64-linux-gnu qemu-user"
  ;;
fuzz)
  packages="$packages clang libclang-rt-14-dev"
  ;;
python)
  # A Python from elsewhere will do, if it has its headers and makes environments.
  python3 -c 'import ensurepip, os, sysconfig
assert os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h"))' 2>/dev/null ||
    packages="$packages python3-dev python3-venv"
  ;;
train)
  packages="$packages zlib1g-dev"
  # For scripts/install-torch.sh; a Python from elsewhere will do.
  python3 -m pip --version >/dev/null 2>&1 || packages="$packages python3-pip"
  ;;
esac

missing=""
for package in $packages; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

sudo=""
[ "$(id -u)" -eq 0 ] || sudo="sudo"
$sudo apt-get update -qq
# shellcheck disable=SC2086 # a list of words
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null
