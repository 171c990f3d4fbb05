// The inner loop of the float matrix product, one per vector width. Each matmul_tile_*.cpp instantiates it in a
// translation unit with its own instruction-set flags. Nothing here has external linkage and nothing else may be
// included, so that no code compiled for a newer CPU can end up in a function that older ones run.
#pragma once

#include <cstddef>
#include <cstring>

namespace intvit::reference {

namespace {

// Rows x 2 vectors of accumulators: at most 12 of the 16 registers that SSE2 and AVX2 have.
template <typename Vector, std::size_t Rows>
void multiply_tile(const float *a, std::ptrdiff_t a_stride, const float *panel, std::ptrdiff_t depth, float *out) {
  constexpr std::ptrdiff_t columns = 2 * sizeof(Vector) / sizeof(float);
  Vector sums[Rows][2] = {};
  for (std::ptrdiff_t k = 0; k < depth; ++k) {
    Vector left;
    Vector right;
    std::memcpy(&left, panel + k * columns, sizeof(Vector));
    std::memcpy(&right, panel + k * columns + columns / 2, sizeof(Vector));
#pragma GCC unroll 8
    for (std::size_t r = 0; r < Rows; ++r) {
      const float value = a[static_cast<std::ptrdiff_t>(r) * a_stride + k];
      sums[r][0] += value * left;
      sums[r][1] += value * right;
    }
  }
#pragma GCC unroll 8
  for (std::size_t r = 0; r < Rows; ++r) {
    std::memcpy(out + static_cast<std::ptrdiff_t>(r) * columns, &sums[r][0], sizeof(Vector));
    std::memcpy(out + static_cast<std::ptrdiff_t>(r) * columns + columns / 2, &sums[r][1], sizeof(Vector));
  }
}

template <typename Vector>
void multiply_tile(const float *a, std::ptrdiff_t a_stride, const float *panel, std::ptrdiff_t depth, int rows,
                   float *out) {
  switch (rows) {
  case 6:
    return multiply_tile<Vector, 6>(a, a_stride, panel, depth, out);
  case 5:
    return multiply_tile<Vector, 5>(a, a_stride, panel, depth, out);
  case 4:
    return multiply_tile<Vector, 4>(a, a_stride, panel, depth, out);
  case 3:
    return multiply_tile<Vector, 3>(a, a_stride, panel, depth, out);
  case 2:
    return multiply_tile<Vector, 2>(a, a_stride, panel, depth, out);
  default:
    return multiply_tile<Vector, 1>(a, a_stride, panel, depth, out);
  }
}

} // namespace

// The functions of MatmulVariant::tile.
void matmul_tile_baseline(const float *a, std::ptrdiff_t a_stride, const float *panel, std::ptrdiff_t depth, int rows,
                          float *out);
void matmul_tile_avx2(const float *a, std::ptrdiff_t a_stride, const float *panel, std::ptrdiff_t depth, int rows,
                      float *out);
void matmul_tile_avx512(const float *a, std::ptrdiff_t a_stride, const float *panel, std::ptrdiff_t depth, int rows,
                        float *out);

} // namespace intvit::reference
