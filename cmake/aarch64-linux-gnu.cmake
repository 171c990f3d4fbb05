# 64-bit Arm. The emulated processor has every extension that the emulator knows.
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(INTVIT_TRIPLE aarch64-linux-gnu)
set(INTVIT_EMULATOR qemu-aarch64)
set(INTVIT_EMULATED max)
include("${CMAKE_CURRENT_LIST_DIR}/debian-cross.cmake")
