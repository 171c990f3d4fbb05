// L D L^T, of which rounding with compensation is made.
#pragma once

#include <Eigen/Core>

namespace intvit {

// A square matrix whose rows have room behind them for whole vectors: `size` columns count, the others are zero.
struct SquareMatrix {
  explicit SquareMatrix(Eigen::Index size);

  double *row(Eigen::Index i) { return values.data() + i * stride(); }
  const double *row(Eigen::Index i) const { return values.data() + i * stride(); }
  Eigen::Index size() const { return values.rows(); }
  Eigen::Index stride() const { return values.cols(); }

  Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> values;
};

// L D L^T of a symmetric positive definite matrix, in place: L below the diagonal, D on it; what is above is lost. Only
// what is not above is read. Every machine and number of threads gives the same bits: element (j, k) is that of the
// matrix less L(j, i) D(i) L(k, i) for i = 0, 1 ... in this order, and each step is rounded.
void factorize(SquareMatrix &matrix, int threads);

// Exchanges the elements below and on the diagonal with those that are opposite of the other diagonal: (j, k) and (size
// - 1 - k, size - 1 - j).
void reflect(SquareMatrix &matrix);

} // namespace intvit
