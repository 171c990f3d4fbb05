#include "models/reference/matmul.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "models/reference/matmul_tile.hpp"

namespace intvit::reference {

namespace {

std::vector<MatmulVariant> detect_variants() {
  std::vector<MatmulVariant> variants = {{"baseline", 8, matmul_tile_baseline}};
#if defined(__x86_64__)
  // Also false where the operating system does not save the registers.
  if (__builtin_cpu_supports("avx2"))
    variants.push_back({"avx2", 16, matmul_tile_avx2});
  if (__builtin_cpu_supports("avx512f"))
    variants.push_back({"avx512", 32, matmul_tile_avx512});
#endif
  return variants;
}

// The right factor: element (k, n) is at data[k * row_stride + n * column_stride].
struct Operand {
  const float *data;
  std::ptrdiff_t rows;
  std::ptrdiff_t columns;
  std::ptrdiff_t row_stride;
  std::ptrdiff_t column_stride;
};

// Copies `width` columns of b, row by row, with zeros where b ends: what the tile reads in sequence.
void pack_strip(const Operand &b, std::ptrdiff_t first_column, std::ptrdiff_t width, std::vector<float> &panel) {
  const std::ptrdiff_t used = std::min(width, b.columns - first_column);
  if (used < width)
    std::fill(panel.begin(), panel.end(), 0.0F);
  for (std::ptrdiff_t n = 0; n < used; ++n) {
    const float *from = b.data + (first_column + n) * b.column_stride;
    for (std::ptrdiff_t k = 0; k < b.rows; ++k)
      panel[static_cast<std::size_t>(k * width + n)] = from[k * b.row_stride];
  }
}

RowMatrix multiply(const MatrixView &a, const Operand &b, const MatmulVariant &variant) {
  if (a.cols() != b.rows)
    throw std::invalid_argument("matrix product: " + std::to_string(a.cols()) + " columns against " +
                                std::to_string(b.rows) + " rows");
  RowMatrix product(a.rows(), b.columns);
  std::vector<float> panel(static_cast<std::size_t>(b.rows * variant.columns));
  std::vector<float> tile(static_cast<std::size_t>(matmul_tile_rows * variant.columns));
  for (std::ptrdiff_t column = 0; column < b.columns; column += variant.columns) {
    pack_strip(b, column, variant.columns, panel);
    const std::ptrdiff_t used = std::min<std::ptrdiff_t>(variant.columns, b.columns - column);
    for (std::ptrdiff_t row = 0; row < a.rows(); row += matmul_tile_rows) {
      const auto rows = static_cast<int>(std::min<std::ptrdiff_t>(matmul_tile_rows, a.rows() - row));
      variant.tile(a.data() + row * a.outerStride(), a.outerStride(), panel.data(), b.rows, rows, tile.data());
      for (std::ptrdiff_t r = 0; r < rows; ++r)
        std::copy_n(tile.data() + r * variant.columns, used, product.data() + (row + r) * b.columns + column);
    }
  }
  return product;
}

} // namespace

std::span<const MatmulVariant> matmul_variants() {
  static const std::vector<MatmulVariant> variants = detect_variants();
  return variants;
}

RowMatrix matmul(const MatrixView &a, const MatrixView &b, const MatmulVariant &variant) {
  return multiply(a, {b.data(), b.rows(), b.cols(), b.outerStride(), 1}, variant);
}

RowMatrix matmul_transposed(const MatrixView &a, const MatrixView &b, const MatmulVariant &variant) {
  return multiply(a, {b.data(), b.cols(), b.rows(), 1, b.outerStride()}, variant);
}

} // namespace intvit::reference
