# Cross-builds for 64-bit Arm with Debian's g++-aarch64-linux-gnu; what was built runs in qemu-user's emulator, ctest's
# tests included.
#
# The libraries that the project uses are headers without architecture. Debian's cross compiler searches the machine's
# own /usr/include for those by itself, behind the target's headers, and never the folders of the machine's
# architecture; CMake knows this and adds no -isystem for it. Libraries to link come from the target's folder alone.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)

set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)

# "max" has every extension that the emulator knows; -L is where the target's C library is.
find_program(INTVIT_QEMU NAMES qemu-aarch64 qemu-aarch64-static)
set(CMAKE_CROSSCOMPILING_EMULATOR "${INTVIT_QEMU};-cpu;max;-L;/usr/aarch64-linux-gnu")

set(CMAKE_FIND_ROOT_PATH /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE BOTH)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE BOTH)
