// Kernels in plain C++ whose tile product multiplies matrices of 2 x 8 by 8 x 2 and rearranges its input rows: what an
// instruction set like Arm's I8MM does (kernels/vector/tile_product.hpp), so that every machine checks that the shared
// code allows for it. They are in no library.
#pragma once

#include "kernels/kernel_table.hpp"

namespace intvit::test {

const kernels::KernelTable &matrix_product_kernels();

} // namespace intvit::test
