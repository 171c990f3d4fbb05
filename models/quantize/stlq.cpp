#include "models/quantize/stlq.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "kernels/stlq.hpp"

namespace intvit::stlq {

namespace {

using Eigen::Index;

// Decoded values lie on integers, so the midpoints between neighbours lie on halves: all weights between two halves
// have the same nearest value.
class NearestValues {
public:
  explicit NearestValues(bool two_words) {
    std::array<bool, 256> is_level{};
    for (int first = -kernels::stlq_max_code; first <= kernels::stlq_max_code; ++first)
      for (int second = -kernels::stlq_max_code; second <= kernels::stlq_max_code; ++second)
        if (two_words || second == 0)
          is_level[static_cast<std::size_t>(
              128 + kernels::stlq_value(kernels::stlq_word(first), kernels::stlq_word(second)))] = true;
    for (std::size_t i = 0; i < nearest_.size(); ++i) {
      const double middle = (static_cast<double>(i) + 0.5) / 2 - 128;
      int best = 0;
      for (int place = 1; place < 256; ++place)
        if (is_level[static_cast<std::size_t>(place)] && std::abs(place - 128 - middle) < std::abs(best - middle))
          best = place - 128;
      nearest_[i] = static_cast<std::int8_t>(best);
    }
  }

  std::int8_t operator()(double weight) const {
    return nearest_[static_cast<std::size_t>(std::clamp(2 * (weight + 128), 0.0, 511.0))];
  }

private:
  std::array<std::int8_t, 512> nearest_{};
};

// How weights are grouped: group of [output, input] = row_group * groups_in_a_row + column_group.
struct Groups {
  Index outputs; // in a group
  Index inputs;
  Index in_a_row;
  Index count;

  Groups(const RowMatrix &weights, Granularity granularity) : outputs(1), inputs(1) {
    if (granularity == Granularity::filter)
      inputs = weights.cols();
    if (granularity == Granularity::tile) {
      outputs = kernels::stlq_tile_outputs;
      inputs = kernels::stlq_tile_inputs;
    }
    in_a_row = (weights.cols() + inputs - 1) / inputs;
    count = (weights.rows() + outputs - 1) / outputs * in_a_row;
  }

  std::size_t of(Index output, Index input) const {
    return static_cast<std::size_t>(output / outputs * in_a_row + input / inputs);
  }
};

std::vector<double> group_sums(const RowMatrix &squares, const Groups &groups) {
  std::vector<double> sums(static_cast<std::size_t>(groups.count));
  for (Index n = 0; n < squares.rows(); ++n)
    for (Index c = 0; c < squares.cols(); ++c)
      sums[groups.of(n, c)] += static_cast<double>(squares(n, c));
  return sums;
}

std::vector<bool> members(const RowMatrix &weights, const Groups &groups, const std::vector<bool> &selected) {
  std::vector<bool> result(static_cast<std::size_t>(weights.size()));
  for (Index n = 0; n < weights.rows(); ++n)
    for (Index c = 0; c < weights.cols(); ++c)
      result[static_cast<std::size_t>(n * weights.cols() + c)] = selected[groups.of(n, c)];
  return result;
}

} // namespace

int log_quantize(double x, double unit, int bits) {
  if (x == 0)
    return 0;
  const int most = 1 << (bits - 1);
  const double exponent = -std::round(std::log2(std::abs(x) / unit));
  return x > 0 ? static_cast<int>(std::clamp(exponent, 1.0, most - 1.0))
               : -static_cast<int>(std::clamp(exponent, 1.0, static_cast<double>(most)));
}

double log_dequantize(int code, double unit) {
  if (code == 0)
    return 0;
  return std::copysign(std::ldexp(unit, -std::abs(code)), code);
}

TwoWords quantize_two_words(double x, double unit, int bits) {
  TwoWords words;
  words.first = log_quantize(x, unit, bits);
  words.first_residual = x - log_dequantize(words.first, unit);
  words.second = log_quantize(words.first_residual, unit, bits);
  words.second_residual = words.first_residual - log_dequantize(words.second, unit);
  return words;
}

std::int8_t nearest_value(double weight, bool two_words) {
  static const std::array<NearestValues, 2> nearest{NearestValues(false), NearestValues(true)};
  return nearest[two_words ? 1 : 0](weight);
}

bool is_one_word(std::int8_t value) {
  const int magnitude = std::abs(int{value});
  return magnitude <= 64 && (magnitude & (magnitude - 1)) == 0;
}

StlqWeights words_of(const std::vector<std::int8_t> &values, int out) {
  const int in = static_cast<int>(values.size()) / out;
  const int columns = kernels::stlq_tile_columns(in);
  std::vector<std::uint8_t> two_words(static_cast<std::size_t>(kernels::stlq_tile_rows(out) * columns));
  for (int n = 0; n < out; ++n)
    for (int k = 0; k < in; ++k) {
      const int tile = n / kernels::stlq_tile_outputs * columns + k / kernels::stlq_tile_inputs;
      if (!is_one_word(
              values[static_cast<std::size_t>(n) * static_cast<std::size_t>(in) + static_cast<std::size_t>(k)]))
        two_words[static_cast<std::size_t>(tile)] = 1;
    }
  Result<StlqWeights> words = encode_stlq_values(out, in, values, two_words);
  if (!words.ok())
    throw std::logic_error(words.status().message());
  return std::move(*words);
}

std::vector<std::int8_t> given_values(const LinearWeights &layer) {
  std::vector<std::int8_t> values;
  values.reserve(static_cast<std::size_t>(layer.weight.size()));
  for (Index n = 0; n < layer.weight.rows(); ++n) {
    const double unit = std::ldexp(static_cast<double>(layer.stlq_unit[n]), -kernels::stlq_max_code);
    for (Index c = 0; c < layer.weight.cols(); ++c) {
      const double value = static_cast<double>(layer.weight(n, c)) / unit;
      const bool in_range = unit > 0 && std::abs(value) <= 127;
      values.push_back(in_range ? nearest_value(value, true) : std::int8_t{0});
      if (!in_range || value != values.back())
        throw std::runtime_error("holds " + std::to_string(layer.weight(n, c)) + " at [" + std::to_string(n) + ", " +
                                 std::to_string(c) + "], which is no sum of two STLQ words for stlq_unit " +
                                 std::to_string(layer.stlq_unit[n]));
    }
  }
  return values;
}

std::vector<bool> select_by_ratio(const RowMatrix &squared_residuals, Granularity granularity, double ratio) {
  const Groups groups(squared_residuals, granularity);
  const std::vector<double> sums = group_sums(squared_residuals, groups);
  std::vector<std::size_t> ranking(sums.size());
  std::iota(ranking.begin(), ranking.end(), std::size_t{0});
  std::stable_sort(ranking.begin(), ranking.end(), [&](std::size_t a, std::size_t b) { return sums[a] > sums[b]; });
  ranking.resize(static_cast<std::size_t>(std::lround(ratio * static_cast<double>(sums.size()))));
  std::vector<bool> selected(sums.size());
  for (const std::size_t group : ranking)
    selected[group] = true;
  return members(squared_residuals, groups, selected);
}

std::vector<bool> select_by_threshold(const RowMatrix &squared_residuals, Granularity granularity, double threshold) {
  const Groups groups(squared_residuals, granularity);
  const std::vector<double> sums = group_sums(squared_residuals, groups);
  std::vector<bool> selected(sums.size());
  std::transform(sums.begin(), sums.end(), selected.begin(), [&](double sum) { return std::sqrt(sum) > threshold; });
  return members(squared_residuals, groups, selected);
}

} // namespace intvit::stlq
