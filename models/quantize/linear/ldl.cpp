#include "models/quantize/linear/ldl.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "models/loops/loops.hpp"
#include "models/parallel.hpp"

namespace intvit {

namespace {

using Eigen::Index;

// Columns that are finished before what they change in all later ones is subtracted. A multiple of all vectors.
constexpr Index block_columns = 64;
// Rows that a thread takes at once.
constexpr Index rows_of_a_task = 64;

// One block of columns, [first, end). Elements below the diagonal hold L(j, k) D(k) until all are finished.
class Block {
public:
  Block(SquareMatrix &matrix, Index first)
      : matrix_(matrix), first_(first), end_(std::min(first + block_columns, matrix.size())),
        transposed_(static_cast<std::size_t>((end_ - first) * (end_ - first))) {}

  Index end() const { return end_; }

  void factorize_diagonal() {
    for (Index j = first_; j < end_; ++j) {
      double *row = matrix_.row(j);
      for (Index i = first_; i < j; ++i) {
        const double l = row[i] / matrix_.row(i)[i];
        transposed(i)[j - first_] = l;
        subtract(row, i, j);
        row[j] -= row[i] * l;
      }
    }
  }

  // A row below.
  void finish(Index j) {
    for (Index i = first_; i < end_; ++i)
      subtract(matrix_.row(j), i, end_);
  }

  // Subtracts from the columns [column, column + loops.double_columns) of all rows from `column` on, which also
  // changes what is above the diagonal.
  void update(Index column, const LoopTable &loops) {
    const Index depth = end_ - first_;
    const Index width = loops.double_columns;
    std::vector<double> panel(static_cast<std::size_t>(depth * width));
    for (Index n = 0; n < std::min(width, matrix_.size() - column); ++n) {
      const double *row = matrix_.row(column + n) + first_;
      for (Index i = 0; i < depth; ++i)
        panel[static_cast<std::size_t>(i * width + n)] = -(row[i] / matrix_.row(first_ + i)[first_ + i]);
    }
    for (Index j = column; j < matrix_.size(); j += tile_rows)
      loops.add_double_tile(matrix_.row(j) + first_, matrix_.stride(), panel.data(), depth,
                            static_cast<int>(std::min<Index>(tile_rows, matrix_.size() - j)), matrix_.row(j) + column,
                            matrix_.stride());
  }

private:
  double *transposed(Index i) { return transposed_.data() + (i - first_) * (end_ - first_); }

  // What column i changes in those behind it, up to `end`.
  void subtract(double *row, Index i, Index end) {
    const double *l = transposed(i);
    const double factor = row[i];
    for (Index k = i + 1; k < end; ++k)
      row[k] -= factor * l[k - first_];
  }

  SquareMatrix &matrix_;
  Index first_;
  Index end_;
  std::vector<double> transposed_; // L of the block's own rows: (i, j) is L(j, i)
};

} // namespace

SquareMatrix::SquareMatrix(Index size)
    : values(
          decltype(values)::Zero(size, (size + most_double_columns - 1) / most_double_columns * most_double_columns)) {}

void factorize(SquareMatrix &matrix, int threads) {
  const LoopTable &loops = fastest_loops();
  const Index size = matrix.size();
  for (Index first = 0; first < size; first += block_columns) {
    Block block(matrix, first);
    block.factorize_diagonal();
    const Index rest = size - block.end();
    if (rest == 0)
      break;
    parallel_for(threads, static_cast<std::size_t>((rest + rows_of_a_task - 1) / rows_of_a_task),
                 [&](std::size_t task, std::size_t) {
                   const Index begin = block.end() + static_cast<Index>(task) * rows_of_a_task;
                   for (Index j = begin; j < std::min(begin + rows_of_a_task, size); ++j)
                     block.finish(j);
                 });
    parallel_for(threads, static_cast<std::size_t>((rest + loops.double_columns - 1) / loops.double_columns),
                 [&](std::size_t strip, std::size_t) {
                   block.update(block.end() + static_cast<Index>(strip) * loops.double_columns, loops);
                 });
  }
  for (Index j = 0; j < size; ++j)
    for (Index k = 0; k < j; ++k)
      matrix.row(j)[k] /= matrix.row(k)[k];
}

void reflect(SquareMatrix &matrix) {
  const Index last = matrix.size() - 1;
  for (Index j = 0; j <= last; ++j)
    for (Index k = 0; k <= j && j + k < last; ++k)
      std::swap(matrix.row(j)[k], matrix.row(last - k)[last - j]);
}

} // namespace intvit
