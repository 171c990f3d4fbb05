# Windows on x86-64, with Debian's MinGW-w64 in its variant with POSIX threads, which std::thread needs; Wine runs what
# was built. Programs and the library hold what they need of the compiler's libraries.
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_C_COMPILER x86_64-w64-mingw32-gcc-posix)
set(CMAKE_CXX_COMPILER x86_64-w64-mingw32-g++-posix)
set(CMAKE_RC_COMPILER x86_64-w64-mingw32-windres)

# Windows aligns the stack to 16 bytes alone, and GCC does not align what it keeps there of longer vectors (GCC bug
# 54412): the assembler makes all moves of vectors such that need no alignment. And GCC takes an inline function that
# every object has for the one in its own, whose registers it then knows; the linker may take another object's.
set(CMAKE_C_FLAGS_INIT "-Wa,-muse-unaligned-vector-move -fno-ipa-ra")
set(CMAKE_CXX_FLAGS_INIT "-Wa,-muse-unaligned-vector-move -fno-ipa-ra")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-static -fstack-protector")
set(CMAKE_SHARED_LINKER_FLAGS_INIT "-static -fstack-protector")

# Wine keeps what it takes for a disk in the build folder.
find_program(INTVIT_WINE NAMES wine wine64)
cmake_path(SET INTVIT_WINE_PREFIX NORMALIZE "${CMAKE_CURRENT_LIST_DIR}/../build/windows-wine")
set(CMAKE_CROSSCOMPILING_EMULATOR "env;WINEPREFIX=${INTVIT_WINE_PREFIX};WINEDEBUG=-all;${INTVIT_WINE}")

set(CMAKE_FIND_ROOT_PATH /usr/x86_64-w64-mingw32)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
cmake_path(SET INTVIT_HEADERS NORMALIZE "${CMAKE_CURRENT_LIST_DIR}/../build/windows-headers")
include("${CMAKE_CURRENT_LIST_DIR}/machine-headers.cmake")
