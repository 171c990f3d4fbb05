#include "models/reference/layers.hpp"

#include <cmath>

#include "models/reference/math.hpp"
#include "models/reference/matmul.hpp"

// Sums are plain loops: Eigen's reductions add in an order that depends on the vector width.
namespace intvit::reference {

RowMatrix linear(const MatrixView &x, const LinearWeights &weights) {
  RowMatrix y = matmul_transposed(x, weights.weight);
  y.rowwise() += weights.bias;
  return y;
}

RowMatrix normalize(const MatrixView &x, double eps, bool centred) {
  const Eigen::Index columns = x.cols();
  RowMatrix y(x.rows(), columns);
  for (Eigen::Index row = 0; row < x.rows(); ++row) {
    const float *from = x.row(row).data();
    double sum = 0.0;
    for (Eigen::Index i = 0; i < columns; ++i)
      sum += static_cast<double>(from[i]);
    const double mean = centred ? sum / static_cast<double>(columns) : 0.0;
    double squares = 0.0;
    for (Eigen::Index i = 0; i < columns; ++i) {
      const double deviation = static_cast<double>(from[i]) - mean;
      squares += deviation * deviation;
    }
    const double inverse = 1.0 / std::sqrt(squares / static_cast<double>(columns) + eps);
    float *to = y.row(row).data();
    for (Eigen::Index i = 0; i < columns; ++i)
      to[i] = static_cast<float>((static_cast<double>(from[i]) - mean) * inverse);
  }
  return y;
}

RowMatrix affine(const MatrixView &normalized, const LayerNormWeights &weights) {
  RowMatrix y = normalized.array().rowwise() * weights.weight.array();
  y.rowwise() += weights.bias;
  return y;
}

RowMatrix layer_norm(const MatrixView &x, const LayerNormWeights &weights, double eps) {
  return affine(normalize(x, eps), weights);
}

namespace {

template <float (*function)(float)> RowMatrix each(const MatrixView &x) {
  RowMatrix y(x.rows(), x.cols());
  for (Eigen::Index row = 0; row < x.rows(); ++row) {
    const float *from = x.row(row).data();
    float *to = y.row(row).data();
    for (Eigen::Index i = 0; i < x.cols(); ++i)
      to[i] = function(from[i]);
  }
  return y;
}

} // namespace

RowMatrix gelu(const MatrixView &x) {
  return each<gelu>(x);
}

RowMatrix activate(const MatrixView &x, Activation activation) {
  switch (activation) {
  case Activation::gelu:
    break;
  case Activation::gelu_tanh:
    return each<gelu_tanh>(x);
  case Activation::quick_gelu:
    return each<quick_gelu>(x);
  case Activation::silu:
    return each<silu>(x);
  }
  return gelu(x);
}

RowMatrix unit_length(const MatrixView &x) {
  RowMatrix y = x;
  for (Eigen::Index row = 0; row < x.rows(); ++row) {
    double squares = 0.0;
    for (Eigen::Index i = 0; i < x.cols(); ++i)
      squares += static_cast<double>(x(row, i)) * static_cast<double>(x(row, i));
    const double inverse = squares > 0 ? 1.0 / std::sqrt(squares) : 0.0;
    for (Eigen::Index i = 0; i < x.cols(); ++i)
      y(row, i) = static_cast<float>(static_cast<double>(x(row, i)) * inverse);
  }
  return y;
}

RowMatrix softmax(const MatrixView &x) {
  const Eigen::Index columns = x.cols();
  RowMatrix y(x.rows(), columns);
  for (Eigen::Index row = 0; row < x.rows(); ++row) {
    const float *from = x.row(row).data();
    float *to = y.row(row).data();
    const float maximum = x.row(row).maxCoeff();
    for (Eigen::Index i = 0; i < columns; ++i)
      to[i] = exp(from[i] - maximum);
    double sum = 0.0;
    for (Eigen::Index i = 0; i < columns; ++i)
      sum += static_cast<double>(to[i]);
    const auto inverse = static_cast<float>(1.0 / sum);
    for (Eigen::Index i = 0; i < columns; ++i)
      to[i] *= inverse;
  }
  return y;
}

} // namespace intvit::reference
