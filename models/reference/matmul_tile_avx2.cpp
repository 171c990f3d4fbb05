#include "models/reference/matmul_tile.hpp"

namespace intvit::reference {

typedef float Vector __attribute__((vector_size(32)));

void matmul_tile_avx2(const float *a, std::ptrdiff_t a_stride, const float *panel, std::ptrdiff_t depth, int rows,
                      float *out) {
  multiply_tile<Vector>(a, a_stride, panel, depth, rows, out);
}

} // namespace intvit::reference
