# Every dependency is looked for on the system (Debian's packages, which scripts/install-deps.sh installs). Where one is
# missing, that ends the configuration, unless INTVIT_FETCH allows to fetch it: by its commit or SHA-256, so that it is what
# it was when it was looked at.
option(INTVIT_FETCH "Fetch libraries that are missing on this system from their own repositories" OFF)
include(FetchContent)

# intvit_fetch(NAME DEBIAN_PACKAGE WHERE ...): a macro, because FetchContent tells its caller where it put the files.
macro(intvit_fetch name package)
  if(NOT INTVIT_FETCH)
    message(FATAL_ERROR "${name} was not found. Install it (Debian: apt-get install ${package}; scripts/install-deps.sh "
      "installs all that is needed), tell CMake where it is (CMAKE_PREFIX_PATH), or allow to fetch it: -DINTVIT_FETCH=ON")
  endif()
  FetchContent_Declare(${name} ${ARGN})
  FetchContent_MakeAvailable(${name})
endmacro()

find_package(nlohmann_json 3.11 QUIET)
if(NOT nlohmann_json_FOUND)
  intvit_fetch(nlohmann_json nlohmann-json3-dev # 3.11.2
    GIT_REPOSITORY https://github.com/nlohmann/json.git GIT_TAG bc889afb4c5bf1c0d8ee29ef35eaaf4c8bef8a5d)
endif()

if(INTVIT_CLI)
  find_package(cxxopts 3.0 QUIET)
  if(NOT cxxopts_FOUND)
    intvit_fetch(cxxopts libcxxopts-dev # 3.1.1
      GIT_REPOSITORY https://github.com/jarro2783/cxxopts.git GIT_TAG eb787304d67ec22f7c3a184ee8b4c481d04357fd)
  endif()

  find_package(Eigen3 3.4 QUIET NO_MODULE)
  if(NOT Eigen3_FOUND)
    set(EIGEN_BUILD_DOC OFF)
    set(EIGEN_BUILD_TESTING OFF)
    intvit_fetch(Eigen3 libeigen3-dev # 3.4.0
      GIT_REPOSITORY https://gitlab.com/libeigen/eigen.git GIT_TAG 3147391d946bb4b6c68edd901f2add6ac1f31f8c)
  endif()
endif()

find_path(STB_INCLUDE_DIR stb/stb_image.h)
if(NOT STB_INCLUDE_DIR)
  intvit_fetch(stb libstb-dev
    GIT_REPOSITORY https://github.com/nothings/stb.git GIT_TAG 8b5f1f37b5b75829fc72d38e7b5d4bcbf8a26d55
    SOURCE_DIR "${CMAKE_BINARY_DIR}/_deps/stb-root/stb")
  set(STB_INCLUDE_DIR "${CMAKE_BINARY_DIR}/_deps/stb-root" CACHE PATH "" FORCE)
endif()

# Not fetched: where it is missing, WebP files are refused.
set(INTVIT_WEBP_LIBRARIES "")
if(INTVIT_WEBP)
  find_path(WEBP_INCLUDE_DIR webp/demux.h)
  find_library(WEBP_LIBRARY webp)
  find_library(WEBP_DEMUX_LIBRARY webpdemux)
  if(WEBP_INCLUDE_DIR AND WEBP_LIBRARY AND WEBP_DEMUX_LIBRARY)
    set(INTVIT_WEBP_LIBRARIES ${WEBP_DEMUX_LIBRARY} ${WEBP_LIBRARY})
  else()
    message(STATUS "libwebp not found: building without WebP")
    set(INTVIT_WEBP OFF)
  endif()
endif()

# Likewise: where it is missing, SigLIP's tokenizer is not read.
if(INTVIT_SENTENCEPIECE)
  find_path(SENTENCEPIECE_INCLUDE_DIR sentencepiece_processor.h)
  find_library(SENTENCEPIECE_LIBRARY sentencepiece)
  if(NOT SENTENCEPIECE_INCLUDE_DIR OR NOT SENTENCEPIECE_LIBRARY)
    message(STATUS "sentencepiece not found: building without SigLIP's tokenizer")
    set(INTVIT_SENTENCEPIECE OFF)
  endif()
endif()

# Headers alone, found as such, because a cross build does not see the package of the machine's own architecture.
find_path(XSIMD_INCLUDE_DIR xsimd/xsimd.hpp)
if(NOT XSIMD_INCLUDE_DIR)
  intvit_fetch(xsimd libxsimd-dev
    URL https://github.com/xtensor-stack/xsimd/archive/8.1.0.tar.gz
    URL_HASH SHA256=d52551360d37709675237d2a0418e28f70995b5b7cdad7c674626bcfbbf48328)
  set(XSIMD_INCLUDE_DIR "${xsimd_SOURCE_DIR}/include" CACHE PATH "" FORCE)
endif()

if(INTVIT_THREADS)
  find_package(Threads REQUIRED)
endif()

if(INTVIT_TESTS)
  find_package(Catch2 2.13 QUIET)
  if(NOT Catch2_FOUND)
    intvit_fetch(Catch2 catch2 # 2.13.10
      GIT_REPOSITORY https://github.com/catchorg/Catch2.git GIT_TAG 182c910b4b63ff587a3440e08f84f70497e49a81)
    list(APPEND CMAKE_MODULE_PATH "${catch2_SOURCE_DIR}/contrib")
  endif()
endif()
