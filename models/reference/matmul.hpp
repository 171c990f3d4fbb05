// Float32 matrix products whose bits do not depend on the machine.
//
// Every output is the sum of its products over k in ascending order, starting at 0, each product and each sum rounded
// to float32. Vectors lie along output columns only, so that wider ones change nothing. Eigen's own product is not
// used: its order of summation depends on the instruction set it is compiled for, and compiling it for several breaks
// the one-definition rule.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "models/architectures/weights.hpp"

namespace intvit::reference {

// One compiled form of the inner loop.
struct MatmulVariant {
  std::string_view name; // "baseline", "avx2", "avx512"
  int columns;           // of the tile
  // out[r][n] = sum over k of a[r * a_stride + k] * panel[k * columns + n] for r < rows (1 to matmul_tile_rows) and
  // n < columns; rows of `out` are `columns` apart.
  void (*tile)(const float *a, std::ptrdiff_t a_stride, const float *panel, std::ptrdiff_t depth, int rows, float *out);
};

inline constexpr int matmul_tile_rows = 6;

// Those that this machine can run, the fastest last. Never empty.
std::span<const MatmulVariant> matmul_variants();

// a b: [M, K] [K, N] -> [M, N]
RowMatrix matmul(const MatrixView &a, const MatrixView &b, const MatmulVariant &variant = matmul_variants().back());
// a b^T: [M, K] [N, K] -> [M, N]
RowMatrix matmul_transposed(const MatrixView &a, const MatrixView &b,
                            const MatmulVariant &variant = matmul_variants().back());

} // namespace intvit::reference
