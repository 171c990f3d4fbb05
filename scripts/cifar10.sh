# shellcheck shell=sh
# For the scripts that source it, after options.sh: pictures of CIFAR-10 out of a .tar.gz of train/CLASS/*.jpg and
# test/CLASS/*.jpg.

# cifar10_calibration DATA FOLDER: into FOLDER/train the 250 training images that models are calibrated on, of each
# class every fourth of the first hundred. Names sort as the images' numbers do; tar's own order does not matter.
cifar10_calibration() {
  tar -tzf "$1" | grep -E '^(\./)?train/[^/]+/[^/]+\.jpg$' | LC_ALL=C sort |
    awk -F/ '$(NF-1) != class { class = $(NF-1); count = 0 } { if (count < 100 && count % 4 == 0) print; ++count }' \
      >"$2/calibration.txt"
  cifar10_images=$(wc -l <"$2/calibration.txt")
  [ "$cifar10_images" -eq 250 ] || fail "$1: gives $cifar10_images images to calibrate on, CIFAR-10 would give 250"
  tar -xzf "$1" -C "$2" -T "$2/calibration.txt"
}

# cifar10_test DATA FOLDER: into FOLDER/test the 10,000 test images.
cifar10_test() {
  tar -xzf "$1" -C "$2" --wildcards '*test/*.jpg'
}
