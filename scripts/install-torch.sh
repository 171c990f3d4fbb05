#!/bin/sh
# Fetches LibTorch for intvit-train into a folder: the libraries and headers of PyPI's torch wheel, without Python or
# GPU packages. Then: cmake -DINTVIT_TRAIN=ON -DINTVIT_TORCH_DIR=FOLDER
#
#   scripts/install-torch.sh [FOLDER]      FOLDER: build/libtorch if not given
#   scripts/install-torch.sh --debian      Debian's libtorch-dev instead (older, and several times slower)
#
# Needs python3 with pip; downloads about 560 MB, keeps about 550.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
requirements=$here/scripts/requirements/torch.txt # with the hashes of what is downloaded
version=$(sed -n 's/^torch==\([^ ]*\).*/\1/p' "$requirements")

if [ "${1:-}" = "--debian" ]; then
  sudo=""
  [ "$(id -u)" -eq 0 ] || sudo="sudo"
  $sudo apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends libtorch-dev zlib1g-dev >/dev/null
  exit 0
fi

folder=${1:-$here/build/libtorch}
case $folder in
-*)
  echo "usage: $0 [FOLDER] | --debian" >&2
  exit 2
  ;;
esac
if [ -e "$folder/torch/lib/libtorch_cpu.so" ]; then
  echo "$folder: LibTorch is there"
  exit 0
fi

mkdir -p "$folder"
wheels=$(mktemp -d "$folder/wheels.XXXXXX")
trap 'rm -rf "$wheels"' EXIT
python3 -m pip download -q --no-deps --require-hashes --only-binary :all: -d "$wheels" -r "$requirements"

# The x86-64 wheel's libtorch_cpu is linked against the GPU runtime and its profiler, two wheels of their own, and does not
# load without them, though training never calls them. Of torch's wheel only what training links; the GPU libraries are
# most of it. Not its libgomp either: the compiler's is newer, and one program has one.
python3 - "$wheels" "$folder" <<'EOF'
import glob, re, sys, zipfile

wheels, folder = sys.argv[1:]
for path in glob.glob(wheels + "/nvidia_*.whl"):
    with zipfile.ZipFile(path) as wheel:
        wheel.extractall(folder)
with zipfile.ZipFile(glob.glob(wheels + "/torch-*.whl")[0]) as wheel:
    wheel.extractall(wheels, [name for name in wheel.namelist()
                              if name.startswith(("torch/include/", "torch.libs/")) or name.startswith("torch/lib/")
                              and not re.search(r"cuda|nvrtc|nvshmem|python|libgomp\.so", name)])
EOF
for part in torch.libs torch; do # torch last: its presence says that all is there
  if [ -d "$wheels/$part" ]; then
    rm -rf "${folder:?}/$part"
    mv "$wheels/$part" "$folder/$part"
  fi
done
echo "$folder: LibTorch $version; configure with -DINTVIT_TRAIN=ON -DINTVIT_TORCH_DIR=$folder"
