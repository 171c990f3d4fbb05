# 64-bit RISC-V, Debian's baseline RV64GC.
set(CMAKE_SYSTEM_PROCESSOR riscv64)
set(INTVIT_TRIPLE riscv64-linux-gnu)
set(INTVIT_EMULATOR qemu-riscv64)
set(INTVIT_EMULATED rv64)
include("${CMAKE_CURRENT_LIST_DIR}/debian-cross.cmake")
