#!/bin/sh
# Uses intvit as others do: installed or packaged, through the compiler alone, pkg-config or CMake. The programs are those
# in examples/, and each has to find the cat on the sample photograph.
#
#   consumer.sh install|compile|find_package|add_subdirectory|minimal|deb|cross_deb|manual SOURCE BUILD WORK CC CXX
#
# install puts BUILD's installation into WORK/prefix, where compile and find_package look for it.
set -eu
kind=$1
source=$2
build=$3
work=$4
cc=$5
cxx=$6
model=$source/models/zoo/cifar10_vit.safetensors
picture=$source/docs/sample/chelsea.png
prefix=$work/prefix
scratch=$work/$kind-scratch # tests run side by side
rm -rf "$scratch"
mkdir -p "$scratch"

fail() {
  echo "consumer.sh $kind: $1" >&2
  exit 1
}

# finds_cat PROGRAM: it says first what the intvit program says.
expected=$("$build/bin/intvit" classify -k 1 -m "$model" "$picture")
case $expected in
*" %  cat") ;;
*) fail "the program itself prints $expected" ;;
esac
finds_cat() {
  output=$("$1" "$model" "$picture") || fail "$1 fails"
  [ "$(echo "$output" | head -n 2)" = "$expected" ] || fail "$1 prints $output, not $expected"
}

# frames PROGRAM: a grey picture as a frame, twice.
frames() {
  printf 'P6 5 3 255\n%045d' 0 >"$scratch/frame.ppm"
  output=$("$1" "$model" "$scratch/frame.ppm" "$scratch/frame.ppm" 2>"$scratch/log") || fail "$1 fails: $(cat "$scratch/log")"
  [ "$(echo "$output" | sort -u | wc -l)" -eq 1 ] && [ "$(echo "$output" | wc -l)" -eq 2 ] || fail "$1 prints $output"
  grep -q '^info: .*: loaded for ' "$scratch/log" || fail "$1 logs $(cat "$scratch/log")"
}

# watches PROGRAM: a pipe that nobody writes to and a picture are moved into the folder, then come a damaged one and one more.
watches() {
  # The last watcher's message must not pass for this one's: pictures put there before it watches are never seen.
  rm -rf "$scratch/watched" "$scratch/watch.out" "$scratch/watch.err"
  mkdir -p "$scratch/watched"
  timeout 60 "$1" "$model" "$scratch/watched" 4 >"$scratch/watch.out" 2>"$scratch/watch.err" &
  watcher=$!
  tries=0
  until grep -qs '^watching' "$scratch/watch.err"; do
    tries=$((tries + 1))
    [ $tries -lt 600 ] || { kill $watcher; fail "$1 does not begin to watch: $(cat "$scratch/watch.err")"; }
    sleep 0.1
  done
  mkfifo "$scratch/pipe.png"
  mv "$scratch/pipe.png" "$scratch/watched/pipe.png"
  cp "$picture" "$scratch/one.png"
  mv "$scratch/one.png" "$scratch/watched/one.png"
  echo "not a picture" >"$scratch/watched/two.png"
  cp "$picture" "$scratch/watched/three.png"
  wait $watcher || fail "$1 fails"
  [ "$(cut -f 1,2 "$scratch/watch.out")" = "$(printf 'one.png\tcat\nthree.png\tcat')" ] ||
    fail "$1 prints $(cat "$scratch/watch.out")"
  grep -q 'pipe.png: cannot be read' "$scratch/watch.err" || fail "$1 says $(cat "$scratch/watch.err")"
  grep -q 'two.png: .*not a picture' "$scratch/watch.err" || fail "$1 says $(cat "$scratch/watch.err")"
}

# records PROGRAM: three frames of the cat as a camera gives them, of which the last is cut short, and an unknown format.
records() {
  frame=$source/tests/golden/images/camera/chelsea_160x106.nv12
  output=$({ cat "$frame" "$frame" && head -c 1000 "$frame"; } | "$1" "$model" - nv12 160 106) || fail "$1 fails"
  [ "$(echo "$output" | cut -d ' ' -f 1)" = "$(printf 'cat\ncat')" ] || fail "$1 prints $output"
  if "$1" "$model" "$frame" nv13 160 106 2>"$scratch/log"; then
    fail "$1 takes nv13"
  fi
  grep -q 'cannot be read as nv13 of 160 x 106' "$scratch/log" || fail "$1 says $(cat "$scratch/log")"
  if "$1" "$model" /dev/null 2>"$scratch/log"; then
    fail "$1 takes /dev/null for a camera"
  fi
  grep -q 'no V4L2 device' "$scratch/log" || fail "$1 says $(cat "$scratch/log")"
}

all_examples() {
  finds_cat "$1/classify"
  records "$1/camera"
  frames "$1/classify_frames"
  watches "$1/watch_folder"
}

warnings="-pedantic -Wall -Wextra -Wshadow -Wconversion -Werror"
mkdir -p "$work"
case $kind in
install)
  rm -rf "$prefix"
  cmake --install "$build" --prefix "$prefix" >"$work/install.log"
  for file in bin/intvit include/intvit.h include/intvit.hpp include/intvit_openmp.h lib/pkgconfig/intvit.pc share/intvit/default.safetensors; do
    [ -f "$prefix/$file" ] || fail "$file was not installed"
  done
  finds_cat_with_program=$("$prefix/bin/intvit" classify -k 1 "$picture")
  case $finds_cat_with_program in
  *cat) ;;
  *) fail "the installed program prints $finds_cat_with_program" ;;
  esac
  ;;

compile)
  command -v pkg-config >/dev/null || {
    echo "[skipped] there is no pkg-config"
    exit 0
  }
  export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"
  [ "$(pkg-config --modversion intvit)" = "$(sed -n 's/^  VERSION //p' "$source/CMakeLists.txt")" ] ||
    fail "pkg-config has version $(pkg-config --modversion intvit)"
  mkdir -p "$work/compile"
  cd "$work/compile"
  # The headers alone, each by the strictest rules that it promises to keep.
  for standard in c11 c17; do
    # shellcheck disable=SC2086 # lists of options
    echo '#include <intvit.h>' | $cc -std=$standard $warnings -Wstrict-prototypes -fsyntax-only -x c - $(pkg-config --cflags intvit)
  done
  for standard in c++17 c++20; do
    for header in intvit.h intvit.hpp intvit_openmp.h; do
      # shellcheck disable=SC2086
      echo "#include <$header>" | $cxx -std=$standard $warnings -Wold-style-cast -fno-rtti -fno-exceptions -fsyntax-only -x c++ - \
        $(pkg-config --cflags intvit)
    done
  done
  # shellcheck disable=SC2046,SC2086
  {
    $cc -std=c11 $warnings $(pkg-config --cflags intvit) "$source/examples/classify.c" -o classify_shared $(pkg-config --libs intvit) \
      "-Wl,-rpath,$prefix/lib"
    $cc -std=c11 $warnings $(pkg-config --cflags intvit) "$source/examples/classify.c" -o classify_static "$prefix/lib/libintvit.a" \
      $(pkg-config --libs --static intvit | sed 's/-lintvit//')
    $cxx -std=c++17 $warnings -fno-rtti -fno-exceptions $(pkg-config --cflags intvit) "$source/examples/classify_frames.cpp" \
      -o classify_frames "$prefix/lib/libintvit.a" $(pkg-config --libs --static intvit | sed 's/-lintvit//')
    $cc -std=c11 $warnings $(pkg-config --cflags intvit) "$source/examples/camera.c" -o camera $(pkg-config --libs intvit) \
      "-Wl,-rpath,$prefix/lib"
  }
  finds_cat ./classify_shared
  finds_cat ./classify_static
  records ./camera
  frames ./classify_frames
  # Nothing but the interface is to be seen.
  foreign=$(nm -D --defined-only "$prefix/lib/libintvit.so" | awk '$3 !~ /^intvit_/ { print $3 }')
  [ -z "$foreign" ] || fail "libintvit.so exports $foreign"
  ;;

find_package)
  for library in static shared; do
    cmake -S "$source/examples" -B "$work/find_$library" "-DCMAKE_PREFIX_PATH=$prefix" -DCMAKE_BUILD_TYPE=Release \
      "-DCMAKE_C_COMPILER=$cc" "-DCMAKE_CXX_COMPILER=$cxx" \
      -DBUILD_SHARED_LIBS=$([ $library = shared ] && echo ON || echo OFF) >"$work/find_$library.log" 2>&1 ||
      fail "$(cat "$work/find_$library.log")"
    cmake --build "$work/find_$library" >>"$work/find_$library.log" 2>&1 || fail "$(cat "$work/find_$library.log")"
    all_examples "$work/find_$library"
  done
  # A project that knows C alone.
  mkdir -p "$work/only_c"
  cat >"$work/only_c/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.22)
project(only_c LANGUAGES C)
find_package(intvit 0.1 REQUIRED)
add_executable(classify "$source/examples/classify.c")
target_link_libraries(classify PRIVATE intvit::static)
END
  cmake -S "$work/only_c" -B "$work/only_c/build" "-DCMAKE_PREFIX_PATH=$prefix" "-DCMAKE_C_COMPILER=$cc" \
    >"$work/only_c/log" 2>&1 || fail "$(cat "$work/only_c/log")"
  cmake --build "$work/only_c/build" >>"$work/only_c/log" 2>&1 || fail "$(cat "$work/only_c/log")"
  finds_cat "$work/only_c/build/classify"
  # Another version than asked for.
  sed 's/find_package(intvit 0.1 /find_package(intvit 0.0 /' "$work/only_c/CMakeLists.txt" >"$work/only_c/changed"
  mkdir -p "$work/only_c/other"
  mv "$work/only_c/changed" "$work/only_c/other/CMakeLists.txt"
  if cmake -S "$work/only_c/other" -B "$work/only_c/other/build" "-DCMAKE_PREFIX_PATH=$prefix" >/dev/null 2>&1; then
    fail "version 0.0 was found"
  fi
  ;;

add_subdirectory)
  # As small a build as there is: one set of kernels, no threads, not optimized.
  cmake -S "$source/examples" -B "$work/subdirectory" -G Ninja "-DINTVIT_SOURCE=$source" -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_C_FLAGS_RELEASE=-O1 -DCMAKE_CXX_FLAGS_RELEASE=-O1 "-DCMAKE_C_COMPILER=$cc" "-DCMAKE_CXX_COMPILER=$cxx" \
    -DINTVIT_THREADS=OFF -DINTVIT_ALL_KERNELS=OFF -DINTVIT_SCALAR=ON >"$work/subdirectory.log" 2>&1 || fail "$(cat "$work/subdirectory.log")"
  cmake --build "$work/subdirectory" >>"$work/subdirectory.log" 2>&1 || fail "$(tail -n 50 "$work/subdirectory.log")"
  all_examples "$work/subdirectory"
  if grep -E "^(INTVIT_(CLI|TESTS|INSTALL|WERROR))(:[A-Z]*)?=ON" "$work/subdirectory/CMakeCache.txt"; then
    fail "builds more than the library by default"
  fi
  # A project that knows C alone.
  mkdir -p "$work/c_subdirectory"
  cat >"$work/c_subdirectory/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.22)
project(only_c LANGUAGES C)
add_subdirectory("$source" intvit)
add_executable(classify "$source/examples/classify.c")
target_link_libraries(classify PRIVATE intvit::intvit)
END
  cmake -S "$work/c_subdirectory" -B "$work/c_subdirectory/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS_RELEASE=-O1 \
    -DCMAKE_CXX_FLAGS_RELEASE=-O1 "-DCMAKE_C_COMPILER=$cc" "-DCMAKE_CXX_COMPILER=$cxx" -DINTVIT_THREADS=OFF \
    -DINTVIT_ALL_KERNELS=OFF -DINTVIT_SCALAR=ON >"$work/c_subdirectory/log" 2>&1 || fail "$(cat "$work/c_subdirectory/log")"
  cmake --build "$work/c_subdirectory/build" >>"$work/c_subdirectory/log" 2>&1 || fail "$(tail -n 50 "$work/c_subdirectory/log")"
  finds_cat "$work/c_subdirectory/build/classify"
  ;;

minimal)
  cmake -S "$source" --preset minimal -B "$work/minimal" "-DCMAKE_C_COMPILER=$cc" "-DCMAKE_CXX_COMPILER=$cxx" \
    >"$work/minimal.log" 2>&1 || fail "$(cat "$work/minimal.log")"
  cmake --build "$work/minimal" >>"$work/minimal.log" 2>&1 || fail "$(tail -n 50 "$work/minimal.log")"
  strip -o "$work/minimal.so" "$work/minimal/engine/libintvit.so"
  size=$(wc -c <"$work/minimal.so")
  echo "libintvit.so, minimal and stripped: $size bytes"
  limit=400000
  case $($cxx --version) in
  *clang*) limit=480000 ;; # inlines more
  esac
  [ "$size" -lt $limit ] || fail "$size bytes are no minimal library"
  # By the linker's optimization, and by compilers that know nothing of it.
  for compiler in "$cxx -flto" "$cxx -fno-lto -fno-use-linker-plugin" clang++; do
    command -v "${compiler%% *}" >/dev/null || continue
    case $($cxx --version) in
    *clang*) [ "$compiler" = "$cxx -flto" ] || continue ;; # whose objects are its own
    esac
    # shellcheck disable=SC2086 # a compiler and its options
    $compiler -std=c++17 "-I$source/engine/include" "$source/examples/classify_frames.cpp" -o "$work/minimal_frames" \
      "$work/minimal/engine/libintvit.a"
    frames "$work/minimal_frames"
  done
  ;;

deb)
  command -v dpkg-deb >/dev/null || {
    echo "[skipped] there is no dpkg-deb"
    exit 0
  }
  rm -rf "$work/deb"
  mkdir -p "$work/deb"
  (cd "$work/deb" && cpack --config "$build/CPackConfig.cmake" -G DEB -B "$work/deb" >log 2>&1) || fail "$(cat "$work/deb/log")"
  version=$(sed -n 's/^  VERSION //p' "$source/CMakeLists.txt")
  minor=${version%.*}
  architecture=$(dpkg --print-architecture)
  # packaged NAME FILE ...: the package's name, version, architecture and files, which are all that it holds but for its
  # license.
  packaged() {
    package=$work/deb/$1_${version}_$architecture.deb
    [ -f "$package" ] || fail "there is no $package: $(ls "$work/deb")"
    [ "$(dpkg-deb -f "$package" Package Version Architecture | sort)" = \
      "$(printf 'Architecture: %s\nPackage: %s\nVersion: %s' "$architecture" "$1" "$version" | sort)" ] ||
      fail "$package: $(dpkg-deb -f "$package")"
    dpkg-deb -c "$package" | awk '$1 !~ /^d/ { print $6 }' | grep -v "^./usr/share/doc/$1/LICENSE$" | sort >"$work/deb/content"
    shift
    for file; do
      echo "./usr/$file"
    done | sort >"$work/deb/expected"
    diff "$work/deb/expected" "$work/deb/content" >&2 || fail "$package holds other files"
    dpkg-deb -x "$package" "$work/deb/root"
  }
  packaged intvit bin/intvit share/intvit/default.safetensors share/man/man1/intvit.1 share/bash-completion/completions/intvit
  dpkg-deb -f "$package" Depends | grep -q libstdc++6 || fail "$package does not say what it needs"
  packaged "libintvit$minor" "lib/libintvit.so.$version" "lib/libintvit.so.$minor"
  dpkg-deb -f "$package" Depends | grep -q libstdc++6 || fail "$package does not say what it needs"
  packaged libintvit-dev include/intvit.h include/intvit.hpp include/intvit_openmp.h lib/libintvit.a lib/libintvit.so \
    lib/pkgconfig/intvit.pc lib/cmake/intvit/intvit-config.cmake lib/cmake/intvit/intvit-config-version.cmake \
    lib/cmake/intvit/intvit-targets.cmake lib/cmake/intvit/intvit-targets-release.cmake
  [ "$(dpkg-deb -f "$package" Depends)" = "libintvit$minor (= $version)" ] || fail "$package: $(dpkg-deb -f "$package")"
  "$work/deb/root/usr/bin/intvit" verify >/dev/null || fail "the packaged program fails"
  # shellcheck disable=SC2046,SC2086
  $cc -std=c11 "-I$work/deb/root/usr/include" "$source/examples/classify.c" -o "$work/deb/classify" \
    "-L$work/deb/root/usr/lib" -lintvit "-Wl,-rpath,$work/deb/root/usr/lib"
  finds_cat "$work/deb/classify"
  ;;
cross_deb)
  command -v dpkg-deb >/dev/null || {
    echo "[skipped] there is no dpkg-deb"
    exit 0
  }
  version=$(sed -n 's/^  VERSION //p' "$source/CMakeLists.txt")
  minor=${version%.*}
  # cross_packaged TRIPLE ARCHITECTURE MACHINE: packages of a cross build, by Debian's name for the architecture and the
  # machine in the library's ELF header. The smallest build that gives packages, not optimized.
  tried=0
  cross_packaged() {
    command -v "$1-g++" >/dev/null || return 0
    tried=$((tried + 1))
    tree=$scratch/$1
    {
      cmake -S "$source" -B "$tree" -G Ninja "-DCMAKE_TOOLCHAIN_FILE=$source/cmake/$1.cmake" -DCMAKE_INSTALL_PREFIX=/usr \
        -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS_RELEASE=-O0 -DCMAKE_CXX_FLAGS_RELEASE=-O0 -DINTVIT_WERROR=OFF -DINTVIT_CLI=OFF \
        -DINTVIT_DECODER=OFF -DINTVIT_THREADS=OFF -DINTVIT_HARDENING=OFF -DINTVIT_ALL_KERNELS=OFF &&
        cmake --build "$tree" && (cd "$tree" && cpack -G DEB)
    } >"$scratch/log" 2>&1 || fail "$(tail -n 50 "$scratch/log")"
    for name in "libintvit$minor" libintvit-dev; do
      package=$tree/${name}_${version}_$2.deb
      [ -f "$package" ] || fail "there is no $package: $(ls "$tree"/*.deb)"
      [ "$(dpkg-deb -f "$package" Architecture Multi-Arch | sort)" = "$(printf 'Architecture: %s\nMulti-Arch: same' "$2")" ] ||
        fail "$package: $(dpkg-deb -f "$package")"
      dpkg-deb -x "$package" "$tree/root"
    done
    dpkg-deb -f "$tree/libintvit${minor}_${version}_$2.deb" Depends | grep -q 'libc6 .*libstdc++6' ||
      fail "$1: the library's package does not say what it needs"
    # Of two architectures no file may be the other's: all are in the architecture's folder, but headers and licenses, which
    # are the same.
    foreign=$(cd "$tree/root/usr" && find . -type f ! -path "./lib/$1/*" ! -path './include/*' ! -path './share/doc/*')
    [ -z "$foreign" ] || fail "$1: not in the architecture's folder: $foreign"
    for file in libintvit.so libintvit.a pkgconfig/intvit.pc cmake/intvit/intvit-config.cmake; do
      [ -f "$tree/root/usr/lib/$1/$file" ] || fail "$1: there is no $file"
    done
    readelf -h "$tree/root/usr/lib/$1/libintvit.so.$version" | grep -q "Machine: *$3\$" || fail "$1: the library is no $3 one"
  }
  cross_packaged aarch64-linux-gnu arm64 AArch64
  cross_packaged arm-linux-gnueabihf armhf ARM
  [ $tried -gt 0 ] || echo "[skipped] there is no cross compiler"
  ;;

manual)
  command -v bash >/dev/null || {
    echo "[skipped] there is no bash"
    exit 0
  }
  page=$prefix/share/man/man1/intvit.1
  completion=$prefix/share/bash-completion/completions/intvit
  # completed WORD ...: what bash offers for the last word.
  completed() {
    bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _intvit; echo "${COMPREPLY[*]}"' bash "$completion" "$@"
  }
  options=0
  for subcommand in $(completed intvit "" | tr ' ' '\n' | grep -v '^-'); do
    for option in $("$build/bin/intvit" "$subcommand" -h | sed -n 's/^  [- ][^ ]*  *\(--[a-z0-9-]*\).*/\1/p; s/^  -., \(--[a-z0-9-]*\).*/\1/p'); do
      options=$((options + 1))
      sed -n "/^\.SS intvit $subcommand\$/,/^\.S[SH]/p" "$page" | sed 's/\\-/-/g' | grep -q -e "^.fB.*$option" ||
        fail "the manual lacks $option of $subcommand"
      case " $(completed intvit "$subcommand" --) $(completed intvit "$subcommand" -) " in
      *" $option "*) ;;
      *) fail "the completion lacks $option of $subcommand" ;;
      esac
    done
  done
  [ $options -gt 50 ] || fail "only $options options were found"
  [ "$(completed intvit classify --form)" = --format ] || fail "--form is completed to $(completed intvit classify --form)"
  cd "$scratch"
  touch "a picture.png"
  [ "$(completed intvit classify "a p")" = "a picture.png" ] || fail "files are completed to $(completed intvit classify "a p")"
  if command -v groff >/dev/null; then
    warnings=$(groff -man -Tascii -P-cbou -ww "$page" 2>&1 >"$scratch/page")
    [ -z "$warnings" ] || fail "the manual: $warnings"
    grep -q 'raw-logits' "$scratch/page" || fail "groff shows no --raw-logits"
  fi
  ;;
*)
  fail "no such kind"
  ;;
esac
