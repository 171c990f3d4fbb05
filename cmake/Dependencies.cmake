# Every dependency is looked for on the system first (Debian's packages, see scripts/install-deps.sh) and fetched from
# its own repository only where it is missing.
include(FetchContent)

find_package(nlohmann_json 3.11 QUIET)
if(NOT nlohmann_json_FOUND)
  FetchContent_Declare(nlohmann_json GIT_REPOSITORY https://github.com/nlohmann/json.git GIT_TAG v3.11.2)
  FetchContent_MakeAvailable(nlohmann_json)
endif()

if(INTVIT_CLI)
  find_package(cxxopts 3.0 QUIET)
  if(NOT cxxopts_FOUND)
    FetchContent_Declare(cxxopts GIT_REPOSITORY https://github.com/jarro2783/cxxopts.git GIT_TAG v3.1.1)
    FetchContent_MakeAvailable(cxxopts)
  endif()

  find_package(Eigen3 3.4 QUIET NO_MODULE)
  if(NOT Eigen3_FOUND)
    FetchContent_Declare(Eigen3 GIT_REPOSITORY https://gitlab.com/libeigen/eigen.git GIT_TAG 3.4.0)
    set(EIGEN_BUILD_DOC OFF)
    set(EIGEN_BUILD_TESTING OFF)
    FetchContent_MakeAvailable(Eigen3)
  endif()
endif()

find_path(STB_INCLUDE_DIR stb/stb_image.h)
if(NOT STB_INCLUDE_DIR)
  FetchContent_Declare(stb GIT_REPOSITORY https://github.com/nothings/stb.git GIT_TAG 8b5f1f37b5b75829fc72d38e7b5d4bcbf8a26d55
    SOURCE_DIR "${CMAKE_BINARY_DIR}/_deps/stb-root/stb")
  FetchContent_MakeAvailable(stb)
  set(STB_INCLUDE_DIR "${CMAKE_BINARY_DIR}/_deps/stb-root" CACHE PATH "" FORCE)
endif()

# Headers alone, found as such, because a cross build does not see the package of the machine's own architecture.
find_path(XSIMD_INCLUDE_DIR xsimd/xsimd.hpp)
if(NOT XSIMD_INCLUDE_DIR)
  FetchContent_Declare(xsimd GIT_REPOSITORY https://github.com/xtensor-stack/xsimd.git GIT_TAG 8.1.0)
  FetchContent_MakeAvailable(xsimd)
  set(XSIMD_INCLUDE_DIR "${xsimd_SOURCE_DIR}/include" CACHE PATH "" FORCE)
endif()

if(INTVIT_THREADS)
  find_package(Threads REQUIRED)
endif()

if(INTVIT_TESTS)
  find_package(Catch2 2.13 QUIET)
  if(NOT Catch2_FOUND)
    FetchContent_Declare(Catch2 GIT_REPOSITORY https://github.com/catchorg/Catch2.git GIT_TAG v2.13.10)
    FetchContent_MakeAvailable(Catch2)
    list(APPEND CMAKE_MODULE_PATH "${catch2_SOURCE_DIR}/contrib")
  endif()
endif()
