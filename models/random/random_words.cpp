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
// 21), of those on the wide one 14.
int term_limit(const FourBitStorage &storage) {
  return storage.format == kernels::WeightFormat::int4_wide ? 14 : 20;
}

} // namespace

FourBitWeights random_word_weights(const FourBitStorage &storage, int out_features, int in_features,
                                   double two_word_ratio, std::mt19937 &generator) {
  const auto in = static_cast<std::size_t>(in_features);
  const auto in_a_row = static_cast<std::size_t>(storage.groups_in_row(in_features));
  std::vector<std::uint8_t> marked(static_cast<std::size_t>(out_features) * in_a_row);
  std::fill_n(marked.begin(), std::lround(two_word_ratio * static_cast<double>(marked.size())), std::uint8_t{1});
  for (std::size_t i = marked.size(); i > 1; --i) // Fisher and Yates
    std::swap(marked[i - 1], marked[static_cast<std::size_t>(random_integer(generator, 0, static_cast<int>(i) - 1))]);
  const auto own = static_cast<std::size_t>(kernels::word_groups_in_row(in_features));
  std::vector<std::uint8_t> two_words(static_cast<std::size_t>(out_features) * own);
  const auto is_marked = [&](std::size_t row, std::size_t input) {
    return marked[row * in_a_row + input / static_cast<std::size_t>(storage.group_inputs)];
  };
  for (std::size_t group = 0; group < two_words.size(); ++group)
    two_words[group] = is_marked(group / own, group % own * std::size_t{kernels::word_group_inputs});
  const stlq::NearestValues one_word(storage, false);
  const stlq::NearestValues with_second(storage, true);
  const int limit = term_limit(storage);
  std::vector<std::int8_t> values(static_cast<std::size_t>(out_features) * in);
  for (std::size_t i = 0; i < values.size(); ++i) {
    int weight = 0;
    for (int term = 0; term < 3; ++term)
      weight += random_integer(generator, -limit, limit);
    values[i] = (is_marked(i / in, i % in) != 0 ? with_second : one_word)(weight);
  }
  Result<FourBitWeights> weights = encode_four_bit_values(storage.format, out_features, in_features, values, two_words);
  if (!weights.ok())
    throw std::logic_error(weights.status().message());
  return std::move(*weights);
}

double random_word_spread(const FourBitStorage &storage, double two_word_ratio) {
  const stlq::NearestValues one_word(storage, false);
  const stlq::NearestValues with_second(storage, true);
  const int limit = term_limit(storage);
  double sum_of_one = 0;
  double sum_of_two = 0;
  double ways = 0;
  for (int a = -limit; a <= limit; ++a)
    for (int b = -limit; b <= limit; ++b)
      for (int c = -limit; c <= limit; ++c, ++ways) {
        const int one = one_word(a + b + c);
        const int two = with_second(a + b + c);
        sum_of_one += one * one;
        sum_of_two += two * two;
      }
  return std::sqrt(((1 - two_word_ratio) * sum_of_one + two_word_ratio * sum_of_two) / ways);
}

} // namespace intvit
