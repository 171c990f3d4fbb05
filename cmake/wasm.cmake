# WebAssembly with emscripten, Debian's or another one's; node runs what was built. Vectors of 128 bits and exceptions are
# on, which every browser has had since 2023.
#
# emscripten knows no headers but its own, so those of the libraries that the project uses are shown to CMake in a folder
# of their own, and what describes them to CMake beside them.
find_program(INTVIT_EMCC emcc REQUIRED)
file(REAL_PATH "${INTVIT_EMCC}" emcc)
cmake_path(GET emcc PARENT_PATH EMSCRIPTEN_ROOT_PATH)
include("${EMSCRIPTEN_ROOT_PATH}/cmake/Modules/Platform/Emscripten.cmake")

set(CMAKE_C_FLAGS_INIT "-msimd128 -fwasm-exceptions")
set(CMAKE_CXX_FLAGS_INIT "-msimd128 -fwasm-exceptions")

cmake_path(SET headers NORMALIZE "${CMAKE_CURRENT_LIST_DIR}/../build/wasm-headers")
file(MAKE_DIRECTORY "${headers}/include")
foreach(library catch2 nlohmann stb xsimd)
  if(EXISTS "/usr/include/${library}")
    file(CREATE_LINK "/usr/include/${library}" "${headers}/include/${library}" SYMBOLIC)
  endif()
endforeach()
foreach(package /usr/lib/cmake/Catch2 /usr/share/cmake/nlohmann_json)
  if(EXISTS ${package})
    # Not what says where this machine's libraries are.
    file(COPY ${package} DESTINATION "${headers}/lib/cmake" PATTERN "*Targets-*.cmake" EXCLUDE)
  endif()
endforeach()
list(APPEND CMAKE_FIND_ROOT_PATH "${headers}")
list(APPEND CMAKE_PREFIX_PATH /)
