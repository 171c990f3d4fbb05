# What the toolchain files of Debian's cross compilers share. Each sets INTVIT_TRIPLE, the compilers' name for the target,
# INTVIT_EMULATOR, qemu-user's program for it, and INTVIT_EMULATED, the processor to be: what was built runs there,
# ctest's tests included.
#
# The libraries that the project uses are headers without architecture. Debian's cross compilers search the machine's
# own /usr/include for those by themselves, behind the target's headers, and never the folders of the machine's
# architecture; CMake knows this and adds no -isystem for it. Libraries to link come from the target's folder alone.
set(CMAKE_SYSTEM_NAME Linux)

set(CMAKE_C_COMPILER ${INTVIT_TRIPLE}-gcc)
set(CMAKE_CXX_COMPILER ${INTVIT_TRIPLE}-g++)

# -L is where the target's C library is.
find_program(INTVIT_QEMU NAMES ${INTVIT_EMULATOR} ${INTVIT_EMULATOR}-static)
set(CMAKE_CROSSCOMPILING_EMULATOR "${INTVIT_QEMU};-cpu;${INTVIT_EMULATED};-L;/usr/${INTVIT_TRIPLE}")

set(CMAKE_FIND_ROOT_PATH /usr/${INTVIT_TRIPLE})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE BOTH)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE BOTH)

# As on the target itself, where CMake finds it out: libraries of several architectures lie side by side below /usr.
if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
  set(CMAKE_INSTALL_LIBDIR "lib/${INTVIT_TRIPLE}" CACHE PATH "Folder of libraries")
endif()
