// What each instruction set brings: functions that replace entries of a table by faster ones with the same results.
// Called in ascending order of instruction set, each on what the ones below it left (kernels/dispatch.cpp).
#pragma once

#include "kernels/kernel_table.hpp"

namespace intvit::kernels {

void use_scalar(KernelTable &table);

void use_neon(KernelTable &table);
void use_neon_dotprod(KernelTable &table);

void use_avx2(KernelTable &table);
void use_avxvnni(KernelTable &table);
void use_avx512vnni(KernelTable &table);

} // namespace intvit::kernels
