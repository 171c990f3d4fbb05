#include "models/random/random_stlq.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <stdexcept>

#include "models/random/random_integer.hpp"

namespace intvit {

namespace {

// Weights spread as deit_tiny's do, which matters where small weights are multiplied faster: each is the sum of three
// uniform integers from -term_limit to term_limit, in units of 2^-7. The words' root mean square is 20 (deit_tiny's:
// 21).
constexpr int term_limit = 20;

// Of the word that is nearest to `weight`; of two that are as near, of the smaller.
std::int8_t nearest_code(int weight) {
  int best = 0;
  for (int code = 1; code <= kernels::stlq_max_code; ++code) // values from 64 down to 1
    if (std::abs(std::abs(weight) - kernels::stlq_word_value(kernels::stlq_word(code))) <=
        std::abs(std::abs(weight) - kernels::stlq_word_value(kernels::stlq_word(best))))
      best = code;
  return static_cast<std::int8_t>(weight < 0 ? -best : best);
}

int word_value(std::int8_t code) {
  return kernels::stlq_word_value(kernels::stlq_word(code));
}

} // namespace

StlqWeights random_stlq_weights(int out_features, int in_features, double two_word_ratio, std::mt19937 &generator) {
  const std::size_t count = static_cast<std::size_t>(out_features) * static_cast<std::size_t>(in_features);
  const auto tile_columns = static_cast<std::size_t>(kernels::stlq_tile_column_count(in_features));
  std::vector<std::uint8_t> two_words(static_cast<std::size_t>(kernels::stlq_tile_row_count(out_features)) *
                                      tile_columns);
  std::fill_n(two_words.begin(), std::lround(two_word_ratio * static_cast<double>(two_words.size())), std::uint8_t{1});
  for (std::size_t i = two_words.size(); i > 1; --i) // Fisher and Yates
    std::swap(two_words[i - 1],
              two_words[static_cast<std::size_t>(random_integer(generator, 0, static_cast<int>(i) - 1))]);
  std::vector<std::int8_t> first(count);
  std::vector<std::int8_t> second(count);
  const auto in = static_cast<std::size_t>(in_features);
  for (std::size_t i = 0; i < count; ++i) {
    int weight = 0;
    for (int term = 0; term < 3; ++term)
      weight += random_integer(generator, -term_limit, term_limit);
    first[i] = nearest_code(weight);
    const std::size_t tile = i / in / kernels::stlq_tile_outputs * tile_columns + i % in / kernels::stlq_tile_inputs;
    if (two_words[tile] != 0)
      second[i] = nearest_code(weight - word_value(first[i]));
  }
  Result<StlqWeights> weights = encode_stlq(out_features, in_features, first, second, two_words);
  if (!weights.ok())
    throw std::logic_error(weights.status().message());
  return std::move(*weights);
}

double random_stlq_spread(double two_word_ratio) {
  struct MeanSquares {
    double one_word = 0;
    double two_words = 0;
  };
  static const MeanSquares mean = [] {
    MeanSquares sums;
    double ways = 0;
    for (int a = -term_limit; a <= term_limit; ++a)
      for (int b = -term_limit; b <= term_limit; ++b)
        for (int c = -term_limit; c <= term_limit; ++c, ++ways) {
          const int weight = a + b + c;
          const int one = word_value(nearest_code(weight));
          const int two = one + word_value(nearest_code(weight - one));
          sums.one_word += one * one;
          sums.two_words += two * two;
        }
    return MeanSquares{sums.one_word / ways, sums.two_words / ways};
  }();
  return std::sqrt((1 - two_word_ratio) * mean.one_word + two_word_ratio * mean.two_words);
}

} // namespace intvit
