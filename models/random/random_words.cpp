#include "models/random/random_words.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "models/architectures/stlq_words.hpp"
#include "models/random/random_integer.hpp"

namespace intvit {

namespace {

// Weights spread as deit_tiny's do, which matters where small weights are multiplied faster: each is the sum of three
// uniform integers from -term_limit to term_limit. The root mean square of words on the log scale is 20 (deit_tiny's:
// 21), of those on the uniform one 20 or 21.
constexpr int term_limit = 20;

} // namespace

FourBitWeights random_word_weights(kernels::WeightFormat format, int out_features, int in_features,
                                   double two_word_ratio, std::mt19937 &generator) {
  const kernels::FourBitLayout layout = kernels::four_bit_layout(format);
  const auto in = static_cast<std::size_t>(in_features);
  const auto in_a_row = static_cast<std::size_t>(kernels::word_groups_in_row(in_features));
  std::vector<std::uint8_t> two_words(static_cast<std::size_t>(layout.group_rows(out_features)) * in_a_row);
  std::fill_n(two_words.begin(), std::lround(two_word_ratio * static_cast<double>(two_words.size())), std::uint8_t{1});
  for (std::size_t i = two_words.size(); i > 1; --i) // Fisher and Yates
    std::swap(two_words[i - 1],
              two_words[static_cast<std::size_t>(random_integer(generator, 0, static_cast<int>(i) - 1))]);
  std::vector<std::int8_t> values(static_cast<std::size_t>(out_features) * in);
  for (std::size_t i = 0; i < values.size(); ++i) {
    int weight = 0;
    for (int term = 0; term < 3; ++term)
      weight += random_integer(generator, -term_limit, term_limit);
    const std::size_t group = i / in / static_cast<std::size_t>(layout.group_outputs) * in_a_row +
                              i % in / static_cast<std::size_t>(kernels::word_group_inputs);
    values[i] = stlq::nearest_values(layout.scale, two_words[group] != 0)(weight);
  }
  Result<FourBitWeights> weights = encode_four_bit_values(format, out_features, in_features, values, two_words);
  if (!weights.ok())
    throw std::logic_error(weights.status().message());
  return std::move(*weights);
}

double random_word_spread(kernels::WordScale scale, double two_word_ratio) {
  double one_word = 0;
  double two_words = 0;
  double ways = 0;
  for (int a = -term_limit; a <= term_limit; ++a)
    for (int b = -term_limit; b <= term_limit; ++b)
      for (int c = -term_limit; c <= term_limit; ++c, ++ways) {
        const int one = stlq::nearest_values(scale, false)(a + b + c);
        const int two = stlq::nearest_values(scale, true)(a + b + c);
        one_word += one * one;
        two_words += two * two;
      }
  return std::sqrt(((1 - two_word_ratio) * one_word + two_word_ratio * two_words) / ways);
}

} // namespace intvit
