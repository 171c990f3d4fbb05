#include "models/quantize/linear/weight_rounding.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "models/loops/loops.hpp"
#include "models/parallel.hpp"

namespace intvit {

namespace {

using Eigen::ArrayXd;

constexpr std::array only_fitting_scale{100.0};
constexpr std::array clipping_scales{100.0, 96.0, 92.0, 88.0, 84.0, 80.0};
// On the log scale, in steps of an eighth of an octave: an octave, at the ends of which the levels are the same but for
// the smallest, and what clips less of the largest weights.
constexpr std::array log_scales{70.711,  77.111,  84.09,   91.7,    100.0,  109.051,
                                118.921, 129.684, 141.421, 154.221, 168.179};
// int4, whose codes of one word end at -8 and 7: from one word for the largest weight to two words even for it, 8 / 31
// = 25.8 %, and a little further.
constexpr std::array wide_scales{110.0, 102.0, 94.0, 86.0, 79.0, 72.0, 66.0, 60.0,
                                 54.0,  48.0,  43.0, 38.0, 33.0, 29.0, 25.8, 23.2};

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
    for (std::size_t i = 0; i < scales.count(); ++i) {
      const double scale = scales.candidate(i, n, largest, grid.largest());
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

Scales scale_candidates(WeightLevels levels, const QuantizeOptions &options) {
  if (levels == WeightLevels::stlq)
    return {log_scales};
  if (options.published.clamp_largest_weight)
    return {published::clamping_scale};
  if (options.published.observer != RangeObserver::mse)
    return {only_fitting_scale};
  if (levels == WeightLevels::int4)
    return {wide_scales};
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

NearestError::NearestError(const RowMatrix &weight, const WeightGrid &grid, double largest_scale, int threads)
    : weight_(weight), grid_(grid), scales_{only_fitting_scale, largest_scale}, threads_(threads) {
  if (!std::holds_alternative<UniformGrid>(grid))
    return;
  const Eigen::Index width = fastest_loops().double_columns;
  const Eigen::Index in = weight.cols();
  panels_.resize(static_cast<std::size_t>((weight.rows() + width - 1) / width * width * in));
  for (Eigen::Index n = 0; n < weight.rows(); ++n) {
    float *panel = panels_.data() + n / width * width * in + n % width;
    for (Eigen::Index c = 0; c < in; ++c)
      panel[c * width] = weight(n, c);
  }
}

double NearestError::operator()(const ArrayXd &input_scale, const ArrayXd &variance) const {
  if (const auto *uniform = std::get_if<UniformGrid>(&grid_))
    return of_uniform(*uniform, input_scale, variance);
  return round_to_nearest(weight_, input_scale, variance, grid_, scales_, threads_).error;
}

double NearestError::of_uniform(const UniformGrid &grid, const ArrayXd &input_scale, const ArrayXd &variance) const {
  const LoopTable &loops = fastest_loops();
  const Eigen::Index in = weight_.cols();
  const auto width = static_cast<std::size_t>(loops.double_columns);
  std::vector<double> errors(panels_.size() / static_cast<std::size_t>(in));
  parallel_for(threads_, errors.size() / width, [&](std::size_t group, std::size_t) {
    const float *panel = panels_.data() + group * width * static_cast<std::size_t>(in);
    std::array<double, most_double_columns> scale{};
    loops.largest_magnitudes(panel, in, input_scale.data(), scale.data());
    for (double &largest : scale)
      largest = std::min(std::max(largest, 1e-30) * scales_.percent[0] / 100.0 / grid.largest(), scales_.largest);
    loops.nearest_errors(panel, in, input_scale.data(), variance.data(), scale.data(), grid.step(), grid.steps(),
                         errors.data() + group * width);
  });
  double sum = 0;
  for (Eigen::Index n = 0; n < weight_.rows(); ++n)
    sum += errors[static_cast<std::size_t>(n)];
  return sum;
}

} // namespace intvit
