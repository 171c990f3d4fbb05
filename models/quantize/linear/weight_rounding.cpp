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
// Two octaves in steps of an eighth of an octave. At half the scale a log grid is exactly as fine, so the best scale
// may be far from the one that fits the largest weight.
constexpr std::array log_scales{35.355, 38.555, 42.045, 45.85, 50.0,  54.525,  59.46,   64.842,
                                70.711, 77.111, 84.09,  91.7,  100.0, 109.051, 118.921, 129.684};
// With so few levels clipping the largest weights pays more often.
constexpr std::array four_bit_scales{100.0, 94.0, 88.0, 82.0, 76.0, 70.0, 64.0};

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

Scales scale_candidates(const WeightGrid &grid, const QuantizeOptions &options) {
  if (const auto *words = std::get_if<WordGrid>(&grid); words != nullptr && words->scale() == kernels::WordScale::log)
    return {log_scales};
  if (options.published.clamp_largest_weight)
    return {published::clamping_scale};
  if (options.published.observer != RangeObserver::mse)
    return {only_fitting_scale};
  if (std::holds_alternative<WordGrid>(grid))
    return {four_bit_scales};
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
