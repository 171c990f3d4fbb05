#include "models/architectures/stlq_words.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>
#include <string>

namespace intvit::stlq {

NearestValues::NearestValues(kernels::WordScale scale, bool two_words, int second_step) {
  std::array<bool, 256> is_level{};
  const int smallest_second = scale == kernels::WordScale::log ? -kernels::largest_word_code : -8;
  for (int first = -kernels::largest_word_code; first <= kernels::largest_word_code; ++first) {
    const std::uint8_t word = kernels::word_of_code(first);
    is_level[static_cast<std::size_t>(128 + kernels::one_word_value(scale, word))] = true;
    if (two_words)
      for (int second = smallest_second; second <= kernels::largest_word_code; second += second_step)
        is_level[static_cast<std::size_t>(128 + kernels::two_word_value(scale, word, kernels::word_of_code(second)))] =
            true;
  }
  for (std::size_t i = 0; i < nearest_.size(); ++i) {
    const double middle = (static_cast<double>(i) + 0.5) / 2 - 128;
    int best = 0;
    for (int place = 1; place < 256; ++place)
      if (is_level[static_cast<std::size_t>(place)] && std::abs(place - 128 - middle) < std::abs(best - middle))
        best = place - 128;
    nearest_[i] = static_cast<std::int8_t>(best);
  }
}

const NearestValues &nearest_values(kernels::WordScale scale, bool two_words, int second_step) {
  using kernels::WordScale;
  static const std::array<NearestValues, 5> nearest{
      NearestValues(WordScale::log, false), NearestValues(WordScale::log, true),
      NearestValues(WordScale::uniform, false), NearestValues(WordScale::uniform, true),
      NearestValues(WordScale::uniform, true, 4)};
  if (scale == WordScale::uniform && two_words && second_step == 4)
    return nearest.back();
  return nearest[(scale == WordScale::log ? 0U : 2U) + (two_words ? 1U : 0U)];
}

bool has_words(const LinearWeights &layer) {
  return layer.stlq_unit.size() != 0;
}

std::vector<std::int8_t> word_values(const LinearWeights &layer) {
  std::vector<std::int8_t> values;
  values.reserve(static_cast<std::size_t>(layer.weight.size()));
  for (Eigen::Index n = 0; n < layer.weight.rows(); ++n) {
    const double unit = std::ldexp(static_cast<double>(layer.stlq_unit[n]), -kernels::largest_word_code);
    for (Eigen::Index c = 0; c < layer.weight.cols(); ++c) {
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

} // namespace intvit::stlq
