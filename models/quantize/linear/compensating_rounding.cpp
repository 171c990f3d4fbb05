#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

#include "models/loops/loops.hpp"
#include "models/parallel.hpp"
#include "models/quantize/linear/ldl.hpp"
#include "models/quantize/linear/weight_rounding.hpp"
#include "models/reference/matmul.hpp"

namespace intvit {

namespace {

using Eigen::ArrayXd;
using Eigen::Index;

// The most rows that are rounded side by side: they share what is read of L.
constexpr Index most_rows = 64;
// Of the weights that are rounded next, the errors of `few` change the others of a block of `many` before those are
// rounded, and the errors of the block change all behind it: so that most of the work is done in tiles.
constexpr Index few = 8;
constexpr Index many = 128;

// The codes' covariance, with columns in the order given, as factorize() wants it. Few samples say little about pairs
// of channels, so those covariances are shrunk; a share of the mean variance keeps the matrix well-conditioned.
SquareMatrix covariance(const RowMatrix &codes, const std::vector<Index> &order, int threads) {
  const RowMatrix products = reference::matmul_with_own_transpose(codes, threads);
  const Index channels = codes.rows();
  const auto count = static_cast<double>(codes.cols());
  const double share = count / (count + static_cast<double>(channels));
  double mean_variance = 0;
  for (Index c = 0; c < channels; ++c)
    mean_variance += static_cast<double>(products(c, c)) / count / static_cast<double>(channels);
  SquareMatrix result(channels);
  for (Index i = 0; i < channels; ++i)
    for (Index j = 0; j <= i; ++j) {
      const auto [first, second] = std::minmax(order[static_cast<std::size_t>(i)], order[static_cast<std::size_t>(j)]);
      const auto product = static_cast<double>(products(second, first));
      result.row(i)[j] = i == j ? product / count + 0.01 * mean_variance + 1e-12 : share * product / count;
    }
  return result;
}

// What all rows have in common.
struct Problem {
  const RowMatrix &weight;
  const ArrayXd &input_scale;
  const Scales &scales;
  std::vector<Index> order; // of the inputs, that which is rounded first in front
  SquareMatrix factor;      // reflect()ed: (i, j) says what an error in the j-th of the order changes in the i-th
};

// Some rows that are rounded side by side, in groups of as many as a tile has columns: [group][input][row of the
// group], the inputs in the order of rounding.
template <class Grid> class Rows {
public:
  Rows(const Problem &problem, const Grid &grid, Index first, Index count)
      : problem_(problem), grid_(grid), loops_(fastest_loops()), width_(loops_.double_columns),
        inputs_(problem.weight.cols()), first_(first), count_(count), groups_((count + width_ - 1) / width_),
        weights_(static_cast<std::size_t>(groups_ * inputs_ * width_)), targets_(weights_.size()),
        values_(weights_.size()), largest_(static_cast<std::size_t>(groups_ * width_), 1e-30), scale_(largest_.size()),
        error_(largest_.size()) {
    for (Index row = 0; row < count; ++row)
      for (Index j = 0; j < inputs_; ++j) {
        const Index c = problem.order[static_cast<std::size_t>(j)];
        const double weight = static_cast<double>(problem.weight(first + row, c));
        double &largest = largest_[static_cast<std::size_t>(row)];
        weights_[place(row / width_, j) + static_cast<std::size_t>(row % width_)] = weight * problem.input_scale[c];
        largest = std::max(largest, std::abs(weight * problem.input_scale[c]));
      }
  }

  // Rounds with all scales and keeps for each row what has the least expected error.
  void round(RoundedWeights &result) {
    std::vector<double> least(error_.size(), 0.0); // where there is no row, no error is less
    std::fill_n(least.begin(), count_, std::numeric_limits<double>::infinity());
    for (std::size_t i = 0; i < problem_.scales.count(); ++i) {
      for (Index row = 0; row < count_; ++row)
        scale_[static_cast<std::size_t>(row)] =
            problem_.scales.candidate(i, first_ + row, largest_[static_cast<std::size_t>(row)], grid_.largest());
      if (!round_all(least))
        continue;
      for (Index row = 0; row < count_; ++row) {
        const auto index = static_cast<std::size_t>(row);
        if (!(error_[index] < least[index]))
          continue;
        least[index] = error_[index];
        result.scale[first_ + row] = scale_[index];
        std::int8_t *values = result.values.data() + (first_ + row) * inputs_;
        for (Index j = 0; j < inputs_; ++j)
          values[problem_.order[static_cast<std::size_t>(j)]] =
              values_[place(row / width_, j) + static_cast<std::size_t>(row % width_)];
      }
    }
  }

private:
  std::size_t place(Index group, Index input) const {
    return static_cast<std::size_t>((group * inputs_ + input) * width_);
  }

  // False, and not all are rounded, where no row can have an error below its `least` any more.
  bool round_all(const std::vector<double> &least) {
    targets_ = weights_;
    std::fill(error_.begin(), error_.end(), 0.0);
    for (Index begin = 0; begin < inputs_; begin += many) {
      const Index end = std::min(begin + many, inputs_);
      for (Index group = 0; group < groups_; ++group)
        for (Index j = begin; j < end; j += few) {
          round_few(group, j, std::min(j + few, end));
          if (j + few < end)
            compensate(group, j, j + few, j + few, end);
        }
      if (std::equal(error_.begin(), error_.end(), least.begin(), std::greater_equal<>()))
        return false;
      // Piece by piece of L, which then stays in the cache for all groups.
      constexpr Index piece = Index{16} * tile_rows;
      for (Index i = end; i < inputs_; i += piece)
        for (Index group = 0; group < groups_; ++group)
          compensate(group, begin, end, i, std::min(i + piece, inputs_));
    }
    return true;
  }

  // Rounds the inputs [begin, end). Their own errors take the place of their targets.
  void round_few(Index group, Index begin, Index end) {
    const Index used = std::min(width_, count_ - group * width_);
    const double *scale = scale_.data() + group * width_;
    double *error = error_.data() + group * width_;
    for (Index j = begin; j < end; ++j) {
      const Index c = problem_.order[static_cast<std::size_t>(j)];
      const double *weight = weights_.data() + place(group, j);
      double *target = targets_.data() + place(group, j);
      std::int8_t *value = values_.data() + place(group, j);
      const double own_term = problem_.factor.row(j)[j];
      for (Index row = 0; row < used; ++row)
        value[row] = grid_.nearest(target[row] / scale[row], first_ + group * width_ + row, c);
      for (Index row = 0; row < used; ++row) {
        const double rounded = scale[row] * value[row];
        const double left = target[row] - rounded;
        error[row] += own_term * left * left;
        target[row] = weight[row] - rounded;
      }
      for (Index i = j + 1; i < end; ++i) {
        const double factor = problem_.factor.row(i)[j];
        double *later = targets_.data() + place(group, i);
        for (Index row = 0; row < used; ++row)
          later[row] += factor * target[row];
      }
    }
  }

  // Adds what the errors of the inputs [begin, end) change in the targets of [first, last).
  void compensate(Index group, Index begin, Index end, Index first, Index last) {
    for (Index i = first; i < last; i += tile_rows)
      loops_.add_double_tile(
          problem_.factor.row(i) + begin, problem_.factor.stride(), targets_.data() + place(group, begin), end - begin,
          static_cast<int>(std::min<Index>(tile_rows, last - i)), targets_.data() + place(group, i), width_);
  }

  const Problem &problem_;
  const Grid &grid_;
  const LoopTable &loops_;
  Index width_; // rows of a group
  Index inputs_;
  Index first_;
  Index count_;
  Index groups_;
  std::vector<double> weights_; // times the inputs' scales
  std::vector<double> targets_;
  std::vector<std::int8_t> values_;
  std::vector<double> largest_; // [row]
  std::vector<double> scale_;
  std::vector<double> error_;
};

} // namespace

// With H = L D L^T the squared error e^T H e is the sum of D[j] (e[j] + sum_{i > j} L[i][j] e[i])^2. Weights are
// rounded from the last to the first, and each rounding makes its own term of the sum as small as possible.
RoundedWeights round_compensating(const RowMatrix &weight, const ArrayXd &input_scale, const RowMatrix &codes,
                                  const ArrayXd &variance, const WeightGrid &grid, const Scales &scales, int threads) {
  // The codes that vary most are rounded first, while the others can still make up for them.
  std::vector<Index> order(static_cast<std::size_t>(weight.cols()));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return variance[a] < variance[b]; });
  Problem problem{weight, input_scale, scales, {}, covariance(codes, order, threads)};
  factorize(problem.factor, threads);
  reflect(problem.factor);
  problem.order.assign(order.rbegin(), order.rend());

  RoundedWeights result;
  result.values.resize(static_cast<std::size_t>(weight.size()));
  result.scale.resize(weight.rows());
  const Index share = weight.rows() / (Index{2} * std::max(threads, 1)) / most_double_columns * most_double_columns;
  const Index rows = std::clamp<Index>(share, most_double_columns, most_rows);
  std::visit(
      [&](const auto &levels) {
        parallel_for(threads, static_cast<std::size_t>((weight.rows() + rows - 1) / rows),
                     [&](std::size_t index, std::size_t) {
                       const Index first = static_cast<Index>(index) * rows;
                       Rows(problem, levels, first, std::min(rows, weight.rows() - first)).round(result);
                     });
      },
      grid);
  return result;
}

} // namespace intvit
