# WebAssembly with emscripten, Debian's or another one's; node runs what was built. Vectors of 128 bits and exceptions are
# on, which every browser has had since 2023.
find_program(INTVIT_EMCC emcc REQUIRED)
file(REAL_PATH "${INTVIT_EMCC}" emcc)
cmake_path(GET emcc PARENT_PATH EMSCRIPTEN_ROOT_PATH)
include("${EMSCRIPTEN_ROOT_PATH}/cmake/Modules/Platform/Emscripten.cmake")

set(CMAKE_C_FLAGS_INIT "-msimd128 -fwasm-exceptions")
set(CMAKE_CXX_FLAGS_INIT "-msimd128 -fwasm-exceptions")

cmake_path(SET INTVIT_HEADERS NORMALIZE "${CMAKE_CURRENT_LIST_DIR}/../build/wasm-headers")
include("${CMAKE_CURRENT_LIST_DIR}/machine-headers.cmake")
