// What each set of kernels brings: a function that names a table and replaces its entries by faster ones with the same
// results. kernels/dispatch.cpp lists them, and calls each on a copy of the next slower set's table.
#pragma once

#include "kernels/kernel_table.hpp"

namespace intvit::kernels {

void use_reference(KernelTable &table);
void use_scalar(KernelTable &table);

void use_neon(KernelTable &table);
void use_neon_dotprod(KernelTable &table);
void use_neon_i8mm(KernelTable &table);

void use_avx2(KernelTable &table);
void use_avx512(KernelTable &table);
void use_avxvnni(KernelTable &table);
void use_avx512vnni(KernelTable &table);
void use_avx512vbmi(KernelTable &table);

} // namespace intvit::kernels
