#include "engine/ops/four_bits_weights.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace intvit {

namespace {

using namespace kernels;

Status bad_argument(const std::string &reason) {
  return Status(StatusCode::bad_argument, "weights of four bits: " + reason);
}

std::string place(std::size_t index, std::size_t columns) {
  return "[" + std::to_string(index / columns) + ", " + std::to_string(index % columns) + "]";
}

Status check_sizes(FourBitLayout layout, int out_features, int in_features, std::size_t weights,
                   std::span<const std::uint8_t> two_words) {
  if (out_features < 1 || in_features < 1)
    return bad_argument("the matrix is empty");
  if (weights != static_cast<std::size_t>(out_features) * static_cast<std::size_t>(in_features))
    return bad_argument("the number of words does not fit the matrix");
  if (two_words.size() != static_cast<std::size_t>(layout.group_rows(out_features)) *
                              static_cast<std::size_t>(word_groups_in_row(in_features)))
    return bad_argument("the number of flags does not fit the matrix");
  if (std::any_of(two_words.begin(), two_words.end(), [](std::uint8_t flag) { return flag > 1; }))
    return bad_argument("a flag is neither 0 nor 1");
  return {};
}

Status check_codes(std::span<const std::int8_t> codes, WordCodes range, std::size_t columns, const char *which) {
  const auto bad =
      std::find_if(codes.begin(), codes.end(), [&](int code) { return code < range.smallest || code > range.largest; });
  if (bad == codes.end())
    return {};
  return bad_argument(std::string(which) + " word " + place(static_cast<std::size_t>(bad - codes.begin()), columns) +
                      " is " + std::to_string(*bad) + ", not from " + std::to_string(range.smallest) + " to " +
                      std::to_string(range.largest));
}

// The group of weight `index` of a matrix with so many columns.
std::size_t group_of(FourBitLayout layout, std::size_t index, std::size_t columns) {
  const auto in_a_row = static_cast<std::size_t>(word_groups_in_row(static_cast<int>(columns)));
  return index / columns / static_cast<std::size_t>(layout.group_outputs) * in_a_row +
         index % columns / word_group_inputs;
}

// Puts a word where two share a byte.
void put(std::vector<std::uint8_t> &bytes, std::size_t row, int index, int code) {
  bytes[row + static_cast<std::size_t>(index / 2)] |= static_cast<std::uint8_t>(word_of_code(code) << (index % 2 * 4));
}

// The codes of a weight of one word where one suffices and the second is 0, or else of two.
struct Codes {
  std::int8_t first = 0;
  std::int8_t second = 0;
  bool exact = false; // together they are the weight
};

int code_of_power(int value) { // +-2^(7 - code), nearest in the logarithm
  const int magnitude = value < 0 ? -value : value;
  int code = largest_word_code;
  // 2^(k + 1/2) is irrational, so that its square says on which side of it an integer lies.
  for (std::int64_t power = 1; code > 1 && std::int64_t{magnitude} * magnitude > 2 * power * power; power *= 2)
    --code;
  return value < 0 ? -code : code;
}

Codes log_codes(int value) {
  if (value == 0)
    return {0, 0, true};
  const int first = code_of_power(value);
  const int rest = value - log_word_value(word_of_code(first));
  const int second = rest == 0 ? 0 : code_of_power(rest);
  return {static_cast<std::int8_t>(first), static_cast<std::int8_t>(second),
          two_word_value(WordScale::log, word_of_code(first), word_of_code(second)) == value};
}

// The rest of the nearest multiple of 16, of two the upper, is from -8 to 7. Weights above 119 and below -120 have none
// among the codes.
Codes uniform_codes(int value) {
  const int first = std::clamp((value + 136) / 16 - 8, -largest_word_code, largest_word_code);
  const int rest = value - 16 * first;
  const bool exact = rest >= -8 && rest <= 7;
  return {static_cast<std::int8_t>(first), static_cast<std::int8_t>(exact ? rest : 0), exact};
}

// Between -64 and 62 the rest of the nearest of -48, -16, 16 and 48, of two the upper, is twice a code from -8 to 7.
Codes wide_codes(int value, bool two) {
  const int second = two ? 2 * std::clamp((value + 64) / 32, 0, 3) - 3 : 0;
  const int first = (value - 16 * second) / 2;
  return {static_cast<std::int8_t>(first), static_cast<std::int8_t>(second),
          value % 2 == 0 && first >= -8 && first <= 7};
}

// `two`: of a weight that has a second word.
Codes codes_of(WordScale scale, int value, bool two) {
  if (scale == WordScale::wide)
    return wide_codes(value, two);
  Codes codes = scale == WordScale::log ? log_codes(value) : uniform_codes(value);
  codes.exact = codes.exact && (two || codes.second == 0);
  return codes;
}

} // namespace

Result<FourBitWeights> encode_four_bits(WeightFormat format, int out_features, int in_features,
                                        std::span<const std::int8_t> first, std::span<const std::int8_t> second,
                                        std::span<const std::uint8_t> two_words) {
  const FourBitLayout layout = four_bit_layout(format);
  if (Status status = check_sizes(layout, out_features, in_features, first.size(), two_words); !status.ok())
    return status;
  const auto columns = static_cast<std::size_t>(in_features);
  if (second.size() != first.size() &&
      !(second.empty() && std::find(two_words.begin(), two_words.end(), 1) == two_words.end()))
    return bad_argument("the number of second words is not that of first words");
  if (Status status = check_codes(first, word_codes(layout.scale, false), columns, "first"); !status.ok())
    return status;
  if (Status status = check_codes(second, word_codes(layout.scale, true), columns, "second"); !status.ok())
    return status;

  FourBitWeights weights{format, out_features, in_features, {}, {}, {}};
  const auto row_bytes = static_cast<std::size_t>(first_word_bytes(in_features));
  weights.first.resize(static_cast<std::size_t>(out_features) * row_bytes);
  for (std::size_t n = 0; n < static_cast<std::size_t>(out_features); ++n)
    for (int k = 0; k < in_features; ++k)
      put(weights.first, n * row_bytes, k, first[n * columns + static_cast<std::size_t>(k)]);

  const int in_a_row = word_groups_in_row(in_features);
  const auto bit_bytes = static_cast<std::size_t>(group_bit_bytes(in_features));
  weights.groups.resize(static_cast<std::size_t>(layout.group_rows(out_features)) * bit_bytes);
  for (std::size_t group = 0; group < two_words.size(); ++group) {
    const auto row = static_cast<int>(group / static_cast<std::size_t>(in_a_row));
    const auto place_in_row = static_cast<int>(group % static_cast<std::size_t>(in_a_row));
    const bool two = two_words[group] != 0;
    const std::size_t at = weights.second.size();
    if (two) {
      weights.groups[static_cast<std::size_t>(row) * bit_bytes + static_cast<std::size_t>(place_in_row / 8)] |=
          static_cast<std::uint8_t>(1 << place_in_row % 8);
      weights.second.resize(at + static_cast<std::size_t>(layout.group_bytes()));
    }
    const int outputs = std::min(layout.group_outputs, out_features - row * layout.group_outputs);
    const int inputs = std::min(word_group_inputs, in_features - place_in_row * word_group_inputs);
    for (int n = 0; n < outputs && !second.empty(); ++n)
      for (int k = 0; k < inputs; ++k) {
        const std::size_t index = static_cast<std::size_t>(row * layout.group_outputs + n) * columns +
                                  static_cast<std::size_t>(place_in_row * word_group_inputs + k);
        if (two)
          put(weights.second, at + static_cast<std::size_t>(n * word_group_inputs / 2), k, second[index]);
        else if (second[index] != 0)
          return bad_argument("second word " + place(index, columns) + " is in a group without");
      }
  }
  return weights;
}

Result<FourBitWeights> encode_four_bit_values(WeightFormat format, int out_features, int in_features,
                                              std::span<const std::int8_t> weights,
                                              std::span<const std::uint8_t> two_words) {
  const FourBitLayout layout = four_bit_layout(format);
  if (Status status = check_sizes(layout, out_features, in_features, weights.size(), two_words); !status.ok())
    return status;
  std::array<std::array<Codes, 2>, 256> codes;
  for (int value = -128; value < 128; ++value)
    codes[static_cast<std::uint8_t>(value)] = {codes_of(layout.scale, value, false),
                                               codes_of(layout.scale, value, true)};
  const auto columns = static_cast<std::size_t>(in_features);
  std::vector<std::int8_t> first(weights.size());
  std::vector<std::int8_t> second(weights.size());
  for (std::size_t index = 0; index < weights.size(); ++index) {
    const bool two = two_words[group_of(layout, index, columns)] != 0;
    const Codes &of = codes[static_cast<std::uint8_t>(weights[index])][two ? 1 : 0];
    if (!of.exact)
      return bad_argument("weight " + place(index, columns) + " = " + std::to_string(weights[index]) +
                          " is not the value of " + (two ? "two words" : "one word"));
    first[index] = of.first;
    second[index] = of.second;
  }
  return encode_four_bits(format, out_features, in_features, first, second, two_words);
}

Result<FourBitWeights> encode_four_bit_values(WeightFormat format, int out_features, int in_features,
                                              std::span<const std::int8_t> weights, int groups_together) {
  const FourBitLayout layout = four_bit_layout(format);
  const auto in_a_row = static_cast<std::size_t>(word_groups_in_row(in_features));
  const auto together = static_cast<std::size_t>(groups_together);
  std::vector<std::uint8_t> two_words(static_cast<std::size_t>(layout.group_rows(out_features)) * in_a_row);
  if (Status status = check_sizes(layout, out_features, in_features, weights.size(), two_words); !status.ok())
    return status;
  for (std::size_t index = 0; index < weights.size(); ++index)
    if (!is_one_word(layout.scale, weights[index])) {
      const std::size_t group = group_of(layout, index, static_cast<std::size_t>(in_features));
      const std::size_t first = group - group % in_a_row % together;
      std::fill_n(&two_words[first], std::min(together, in_a_row - first % in_a_row), std::uint8_t{1});
    }
  return encode_four_bit_values(format, out_features, in_features, weights, two_words);
}

bool is_one_word(WordScale scale, std::int8_t weight) {
  return codes_of(scale, weight, false).exact;
}

std::vector<std::int8_t> decode_four_bits(const FourBitWeights &weights) {
  std::vector<std::int8_t> values(static_cast<std::size_t>(weights.out_features) *
                                  static_cast<std::size_t>(weights.in_features));
  kernels::decode_four_bits(weights.view(), values.data());
  return values;
}

} // namespace intvit
