#include "models/quantize/linear/weight_rounding.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "models/architectures/stlq_words.hpp"
#include "models/parallel.hpp"
#include "models/quantize/codes/arithmetic.hpp"
#include "models/reference/matmul.hpp"

namespace intvit {

namespace {

using Eigen::ArrayXd;

constexpr std::array only_fitting_scale{100.0};
constexpr std::array clipping_scales{100.0, 96.0, 92.0, 88.0, 84.0, 80.0};
// Two octaves in steps of an eighth of an octave. At half the scale a log grid is exactly as fine, so the best scale
// may be far from the one that fits the largest weight.
constexpr std::array log_scales{35.355, 38.555, 42.045, 45.85, 50.0,  54.525,  59.46,   64.842,
                                70.711, 77.111, 84.09,  91.7,  100.0, 109.051, 118.921, 129.684};

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// L D L^T of a symmetric positive definite matrix, in place: L below the diagonal, D on it. In plain loops, so that
// every machine gives the same bits.
void factorize(Matrix &m) {
  for (Eigen::Index j = 0; j < m.rows(); ++j) {
    double *row = m.row(j).data();
    for (Eigen::Index k = 0; k < j; ++k) {
      const double *earlier = m.row(k).data();
      for (Eigen::Index i = 0; i < k; ++i)
        row[k] -= row[i] * earlier[i]; // row[i] is still L(j, i) D(i)
    }
    for (Eigen::Index k = 0; k < j; ++k) {
      const double l = row[k] / m(k, k);
      row[j] -= l * row[k];
      row[k] = l;
    }
  }
}

// The codes' covariance, with columns in the order given. Few samples say little about pairs of channels, so those
// covariances are shrunk; a share of the mean variance keeps the matrix well-conditioned.
Matrix covariance(const RowMatrix &codes, const std::vector<Eigen::Index> &order) {
  const RowMatrix products = reference::matmul_transposed(codes, codes);
  const Eigen::Index channels = codes.rows();
  const auto count = static_cast<double>(codes.cols());
  const double share = count / (count + static_cast<double>(channels));
  double mean_variance = 0;
  for (Eigen::Index c = 0; c < channels; ++c)
    mean_variance += static_cast<double>(products(c, c)) / count / static_cast<double>(channels);
  Matrix result(channels, channels);
  for (Eigen::Index i = 0; i < channels; ++i)
    for (Eigen::Index j = 0; j < channels; ++j) {
      const auto product =
          static_cast<double>(products(order[static_cast<std::size_t>(i)], order[static_cast<std::size_t>(j)]));
      result(i, j) = i == j ? product / count + 0.01 * mean_variance + 1e-12 : share * product / count;
    }
  return result;
}

// Rounds the rows independently, on several threads. `round_row(n, row, scale, limit, rounded)` rounds row n with one
// scale and returns the error that it expects. It may stop as soon as that error is `limit` or more.
template <class Grid, class RoundRow>
RoundedWeights round_rows(const RowMatrix &weight, const ArrayXd &input_scale, const Grid &grid, const Scales &scales,
                          int threads, const RoundRow &round_row) {
  const Eigen::Index in = weight.cols();
  RoundedWeights result;
  result.values.resize(static_cast<std::size_t>(weight.size()));
  result.scale.resize(weight.rows());
  ArrayXd errors(weight.rows());
  parallel_for(threads, static_cast<std::size_t>(weight.rows()), [&](std::size_t index, std::size_t) {
    const auto n = static_cast<Eigen::Index>(index);
    const ArrayXd row = weight.row(n).transpose().array().cast<double>() * input_scale;
    const double largest = std::max(row.abs().maxCoeff(), 1e-30);
    std::vector<std::int8_t> rounded(static_cast<std::size_t>(in));
    errors[n] = std::numeric_limits<double>::infinity();
    for (const double percent : scales.percent) {
      const double scale = std::min(largest * percent / 100.0 / grid.largest(), scales.largest);
      const double error = round_row(n, row, scale, errors[n], rounded);
      if (error < errors[n]) {
        errors[n] = error;
        result.scale[n] = scale;
        std::copy(rounded.begin(), rounded.end(), result.values.begin() + n * in);
      }
    }
  });
  for (const double error : errors)
    result.error += error;
  return result;
}

} // namespace

std::int8_t UniformGrid::nearest(double weight, Eigen::Index, Eigen::Index) const {
  const double most = steps_;
  return static_cast<std::int8_t>(step_ * static_cast<int>(std::clamp(round_to_even(weight / step_), -most, most)));
}

std::int8_t LogGrid::nearest(double weight, Eigen::Index output, Eigen::Index input) const {
  const bool two_words = !two_words_.empty() && two_words_[static_cast<std::size_t>(output * inputs_ + input)];
  return stlq::nearest_value(weight, two_words);
}

Scales scale_candidates(const WeightGrid &grid, const QuantizeOptions &options) {
  if (std::holds_alternative<LogGrid>(grid))
    return {log_scales};
  if (options.published.clamp_largest_weight)
    return {published::clamping_scale};
  if (options.published.observer != RangeObserver::mse)
    return {only_fitting_scale};
  return {clipping_scales};
}

RoundedWeights round_to_nearest(const RowMatrix &weight, const ArrayXd &input_scale, const ArrayXd &variance,
                                const WeightGrid &grid, const Scales &scales, int threads) {
  return std::visit(
      [&](const auto &levels) {
        return round_rows(
            weight, input_scale, levels, scales, threads,
            [&](Eigen::Index n, const ArrayXd &row, double scale, double /*least*/, std::vector<std::int8_t> &rounded) {
              double error = 0;
              for (Eigen::Index c = 0; c < row.size(); ++c) {
                const std::int8_t value = levels.nearest(row[c] / scale, n, c);
                const double difference = row[c] - scale * value;
                rounded[static_cast<std::size_t>(c)] = value;
                error += difference * difference * variance[c];
              }
              return error;
            });
      },
      grid);
}

// With H = L D L^T the squared error e^T H e is the sum of D[j] (e[j] + sum_{i > j} L[i][j] e[i])^2. Weights are
// rounded from the last to the first, and each rounding makes its own term of the sum as small as possible.
RoundedWeights round_compensating(const RowMatrix &weight, const ArrayXd &input_scale, const RowMatrix &codes,
                                  const ArrayXd &variance, const WeightGrid &grid, const Scales &scales, int threads) {
  const Eigen::Index in = weight.cols();
  // The codes that vary most are rounded first, while the others can still make up for them.
  std::vector<Eigen::Index> order(static_cast<std::size_t>(in));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](Eigen::Index a, Eigen::Index b) { return variance[a] < variance[b]; });
  Matrix h = covariance(codes, order);
  factorize(h);

  return std::visit(
      [&](const auto &levels) {
        return round_rows(
            weight, input_scale, levels, scales, threads,
            [&](Eigen::Index n, const ArrayXd &row, double scale, double least, std::vector<std::int8_t> &rounded) {
              ArrayXd target(in);
              for (Eigen::Index j = 0; j < in; ++j)
                target[j] = row[order[static_cast<std::size_t>(j)]];
              double error = 0;
              for (Eigen::Index j = in - 1; j >= 0 && error < least; --j) {
                const Eigen::Index c = order[static_cast<std::size_t>(j)];
                const std::int8_t value = levels.nearest(target[j] / scale, n, c);
                rounded[static_cast<std::size_t>(c)] = value;
                const double left = target[j] - scale * value;
                error += h(j, j) * left * left;
                const double own = row[c] - scale * value;
                // By pointers, because in a sanitizer's build each element of Eigen's is a call.
                double *targets = target.data();
                const double *row_of_h = h.row(j).data();
                for (Eigen::Index i = 0; i < j; ++i)
                  targets[i] += row_of_h[i] * own;
              }
              return error;
            });
      },
      grid);
}

} // namespace intvit
