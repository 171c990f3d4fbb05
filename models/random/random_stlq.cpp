#include "models/random/random_stlq.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "models/random/random_integer.hpp"

namespace intvit {

StlqWeights random_stlq_weights(int out_features, int in_features, double two_word_ratio, std::mt19937 &generator) {
  const std::size_t count = static_cast<std::size_t>(out_features) * static_cast<std::size_t>(in_features);
  const auto tile_columns = static_cast<std::size_t>(kernels::stlq_tile_column_count(in_features));
  std::vector<std::uint8_t> two_words(static_cast<std::size_t>(kernels::stlq_tile_row_count(out_features)) *
                                      tile_columns);
  std::fill_n(two_words.begin(), std::lround(two_word_ratio * static_cast<double>(two_words.size())), std::uint8_t{1});
  for (std::size_t i = two_words.size(); i > 1; --i) // Fisher and Yates
    std::swap(two_words[i - 1],
              two_words[static_cast<std::size_t>(random_integer(generator, 0, static_cast<int>(i) - 1))]);
  const auto code = [&] {
    return static_cast<std::int8_t>(random_integer(generator, -kernels::stlq_max_code, kernels::stlq_max_code));
  };
  std::vector<std::int8_t> first(count);
  std::vector<std::int8_t> second(count);
  const auto in = static_cast<std::size_t>(in_features);
  for (std::size_t i = 0; i < count; ++i) {
    first[i] = code();
    const std::size_t tile = i / in / kernels::stlq_tile_outputs * tile_columns + i % in / kernels::stlq_tile_inputs;
    if (two_words[tile] != 0)
      second[i] = code();
  }
  Result<StlqWeights> weights = encode_stlq(out_features, in_features, first, second, two_words);
  if (!weights.ok())
    throw std::logic_error(weights.status().message());
  return std::move(*weights);
}

double random_stlq_spread(double two_word_ratio) {
  double squares = 0;
  int words = 0;
  for (int code = -kernels::stlq_max_code; code <= kernels::stlq_max_code; ++code, ++words)
    squares += std::pow(kernels::stlq_word_value(kernels::stlq_word(code)), 2);
  return std::sqrt(squares / words * (1 + two_word_ratio));
}

} // namespace intvit
