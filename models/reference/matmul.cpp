#include "models/reference/matmul.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "models/parallel.hpp"

namespace intvit::reference {

namespace {

// How many k are multiplied before the next columns: so that what a tile reads of b stays in the first caches.
constexpr std::ptrdiff_t depth_of_block = 512;

// The right factor: element (k, n) is at data[k * row_stride + n * column_stride].
struct Operand {
  const float *data;
  std::ptrdiff_t rows;
  std::ptrdiff_t columns;
  std::ptrdiff_t row_stride;
  std::ptrdiff_t column_stride;

  // Some of its rows, as far as there are so many.
  Operand block(std::ptrdiff_t first, std::ptrdiff_t count) const {
    return {data + first * row_stride, std::min(count, rows - first), columns, row_stride, column_stride};
  }
};

// Copies `width` columns of b, row by row, with zeros where b ends: what the tile reads in sequence.
void pack_strip(const Operand &b, std::ptrdiff_t first_column, std::ptrdiff_t width, std::vector<float> &panel) {
  // Rows, so that what is written stays in the first cache, and what is read lies in long pieces.
  constexpr std::ptrdiff_t at_once = 128;
  const std::ptrdiff_t used = std::min(width, b.columns - first_column);
  if (used < width)
    std::fill(panel.begin(), panel.end(), 0.0F);
  for (std::ptrdiff_t first = 0; first < b.rows; first += at_once)
    for (std::ptrdiff_t n = 0; n < used; ++n) {
      const float *from = b.data + (first_column + n) * b.column_stride;
      float *to = panel.data() + n;
      for (std::ptrdiff_t k = first; k < std::min(first + at_once, b.rows); ++k)
        to[k * width] = from[k * b.row_stride];
    }
}

// Columns [first_column, first_column + loops.float_columns) of a b, from a row on, which are zero before.
void add_strip(const MatrixView &a, const Operand &b, std::ptrdiff_t first_column, std::ptrdiff_t first_row,
               const LoopTable &loops, RowMatrix &product) {
  const std::ptrdiff_t width = loops.float_columns;
  const std::ptrdiff_t used = std::min(width, b.columns - first_column);
  std::vector<float> panel(static_cast<std::size_t>(std::min(depth_of_block, b.rows) * width));
  std::vector<float> edge(static_cast<std::size_t>(tile_rows * width)); // a tile where the columns end
  for (std::ptrdiff_t k = 0; k < b.rows; k += depth_of_block) {
    const Operand block = b.block(k, depth_of_block);
    pack_strip(block, first_column, width, panel);
    for (std::ptrdiff_t row = first_row; row < a.rows(); row += tile_rows) {
      const std::ptrdiff_t rows = std::min<std::ptrdiff_t>(tile_rows, a.rows() - row);
      const float *left = a.data() + row * a.outerStride() + k;
      float *out = product.data() + row * product.cols() + first_column;
      const auto add = [&](float *to, std::ptrdiff_t stride) {
        loops.add_float_tile(left, a.outerStride(), panel.data(), block.rows, static_cast<int>(rows), to, stride);
      };
      if (used == width) {
        add(out, product.cols());
        continue;
      }
      for (std::ptrdiff_t r = 0; r < rows; ++r)
        std::copy_n(out + r * product.cols(), used, edge.data() + r * width);
      add(edge.data(), width);
      for (std::ptrdiff_t r = 0; r < rows; ++r)
        std::copy_n(edge.data() + r * width, used, out + r * product.cols());
    }
  }
}

RowMatrix multiplied(const MatrixView &a, const Operand &b, bool lower_triangle, int threads, const LoopTable &loops) {
  if (a.cols() != b.rows)
    throw std::invalid_argument("matrix product: " + std::to_string(a.cols()) + " columns against " +
                                std::to_string(b.rows) + " rows");
  RowMatrix product = RowMatrix::Zero(a.rows(), b.columns);
  const std::ptrdiff_t width = loops.float_columns;
  const auto strip = [&](std::size_t index, std::size_t) {
    const std::ptrdiff_t column = static_cast<std::ptrdiff_t>(index) * width;
    add_strip(a, b, column, lower_triangle ? column : 0, loops, product);
  };
  const auto strips = static_cast<std::size_t>((b.columns + width - 1) / width);
  if (threads > 1)
    parallel_for(threads, strips, strip);
  else
    for (std::size_t i = 0; i < strips; ++i)
      strip(i, 0);
  return product;
}

} // namespace

RowMatrix matmul(const MatrixView &a, const MatrixView &b, const LoopTable &loops) {
  return multiplied(a, {b.data(), b.rows(), b.cols(), b.outerStride(), 1}, false, 1, loops);
}

RowMatrix matmul_transposed(const MatrixView &a, const MatrixView &b, int threads, const LoopTable &loops) {
  return multiplied(a, {b.data(), b.cols(), b.rows(), 1, b.outerStride()}, false, threads, loops);
}

RowMatrix matmul_with_own_transpose(const MatrixView &a, int threads, const LoopTable &loops) {
  return multiplied(a, {a.data(), a.cols(), a.rows(), 1, a.outerStride()}, true, threads, loops);
}

} // namespace intvit::reference
