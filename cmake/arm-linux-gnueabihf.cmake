# 32-bit Arm, Debian's armhf: ARMv7-A with VFPv3, without NEON.
set(CMAKE_SYSTEM_PROCESSOR arm)
set(INTVIT_TRIPLE arm-linux-gnueabihf)
set(INTVIT_EMULATOR qemu-arm)
set(INTVIT_EMULATED max)
include("${CMAKE_CURRENT_LIST_DIR}/debian-cross.cmake")
