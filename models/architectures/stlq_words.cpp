#include "models/architectures/stlq_words.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <string>

namespace intvit::stlq {

NearestValues::NearestValues(const FourBitStorage &storage, bool two_words) {
  using namespace kernels;
  const WordScale scale = four_bit_layout(storage.format).scale;
  const WordCodes first_codes = word_codes(scale, false);
  const WordCodes second_codes = word_codes(scale, true);
  std::array<bool, 256> is_level{};
  const auto add = [&](int value) { is_level[static_cast<std::size_t>(128 + std::ptrdiff_t{value})] = true; };
  for (int first = first_codes.smallest; first <= first_codes.largest; ++first) {
    const std::uint8_t word = word_of_code(first);
    add(one_word_value(scale, word));
    if (two_words && storage.as_in_memory())
      for (int second = second_codes.smallest; second <= second_codes.largest; ++second)
        add(two_word_value(scale, word, word_of_code(second)));
    if (two_words && !storage.as_in_memory())
      for (int bits = 0; bits < 4; ++bits)
        add(two_word_value(scale, word, short_word(scale, word, bits)));
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

bool has_words(const LinearWeights &layer) {
  return layer.stlq_unit.size() != 0;
}

std::vector<std::int8_t> word_values(const LinearWeights &layer) {
  static const NearestValues nearest_value(four_bit_storages.front(), true); // every sum of two words
  std::vector<std::int8_t> values;
  values.reserve(static_cast<std::size_t>(layer.weight.size()));
  for (Eigen::Index n = 0; n < layer.weight.rows(); ++n) {
    const double unit = std::ldexp(static_cast<double>(layer.stlq_unit[n]), -kernels::largest_word_code);
    for (Eigen::Index c = 0; c < layer.weight.cols(); ++c) {
      const double value = static_cast<double>(layer.weight(n, c)) / unit;
      const bool in_range = unit > 0 && std::abs(value) <= 127;
      values.push_back(in_range ? nearest_value(value) : std::int8_t{0});
      if (!in_range || value != values.back())
        throw std::runtime_error("holds " + std::to_string(layer.weight(n, c)) + " at [" + std::to_string(n) + ", " +
                                 std::to_string(c) + "], which is no sum of two STLQ words for stlq_unit " +
                                 std::to_string(layer.stlq_unit[n]));
    }
  }
  return values;
}

const FourBitStorage &storage_of_given(const std::vector<std::int8_t> &values) {
  static constexpr const FourBitStorage &of_groups =
      four_bit_storage(kernels::WeightFormat::stlq_groups, 2, kernels::word_group_inputs);
  static constexpr const FourBitStorage &of_tiles =
      four_bit_storage(kernels::WeightFormat::stlq_tiles, 4, kernels::word_group_inputs);
  static const NearestValues nearest_value(of_groups, true);
  const bool short_words =
      std::all_of(values.begin(), values.end(), [](std::int8_t value) { return nearest_value(value) == value; });
  return short_words ? of_groups : of_tiles;
}

} // namespace intvit::stlq
