#include "engine/graph/stlq_weights.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace intvit {

namespace {

using namespace kernels;

Status bad_argument(const std::string &reason) {
  return Status(StatusCode::bad_argument, "STLQ weights: " + reason);
}

std::string place(std::size_t index, std::size_t columns) {
  return "[" + std::to_string(index / columns) + ", " + std::to_string(index % columns) + "]";
}

Status check_sizes(int out_features, int in_features, std::size_t weights, std::span<const std::uint8_t> two_words) {
  if (out_features < 1 || in_features < 1)
    return bad_argument("the matrix is empty");
  if (weights != static_cast<std::size_t>(out_features) * static_cast<std::size_t>(in_features))
    return bad_argument("the number of words does not fit the matrix");
  if (two_words.size() !=
      static_cast<std::size_t>(stlq_tile_rows(out_features)) * static_cast<std::size_t>(stlq_tile_columns(in_features)))
    return bad_argument("the number of flags does not fit the matrix");
  if (std::any_of(two_words.begin(), two_words.end(), [](std::uint8_t flag) { return flag > 1; }))
    return bad_argument("a flag is neither 0 nor 1");
  return {};
}

Status check_codes(std::span<const std::int8_t> codes, std::size_t columns, const char *which) {
  const auto bad =
      std::find_if(codes.begin(), codes.end(), [](int code) { return code < -stlq_max_code || code > stlq_max_code; });
  if (bad == codes.end())
    return {};
  return bad_argument(std::string(which) + " word " + place(static_cast<std::size_t>(bad - codes.begin()), columns) +
                      " is " + std::to_string(*bad) + ", not from -7 to 7");
}

// Puts a word where two share a byte.
void put(std::vector<std::uint8_t> &bytes, std::size_t row, int index, int code) {
  bytes[row + static_cast<std::size_t>(index / 2)] |= static_cast<std::uint8_t>(stlq_word(code) << (index % 2 * 4));
}

// The words of a weight in units of 2^-7; the second is 0 where one suffices.
struct Words {
  std::int8_t first = 0;
  std::int8_t second = 0;
  bool exact = false; // together they are the weight
};

int code_of_power(int value) { // +-2^(7 - code), nearest in the logarithm
  int magnitude = value < 0 ? -value : value;
  int code = stlq_max_code;
  // 2^(k + 1/2) is irrational, so that its square says on which side of it an integer lies.
  for (std::int64_t power = 1; code > 1 && std::int64_t{magnitude} * magnitude > 2 * power * power; power *= 2)
    --code;
  return value < 0 ? -code : code;
}

Words words_of(int value) {
  if (value == 0)
    return {0, 0, true};
  const int first = code_of_power(value);
  const int rest = value - stlq_word_value(stlq_word(first));
  const int second = rest == 0 ? 0 : code_of_power(rest);
  return {static_cast<std::int8_t>(first), static_cast<std::int8_t>(second),
          stlq_value(stlq_word(first), stlq_word(second)) == value};
}

} // namespace

Result<StlqWeights> encode_stlq(int out_features, int in_features, std::span<const std::int8_t> first,
                                std::span<const std::int8_t> second, std::span<const std::uint8_t> two_words) {
  if (Status status = check_sizes(out_features, in_features, first.size(), two_words); !status.ok())
    return status;
  const auto columns = static_cast<std::size_t>(in_features);
  if (second.size() != first.size() &&
      !(second.empty() && std::find(two_words.begin(), two_words.end(), 1) == two_words.end()))
    return bad_argument("the number of second words is not that of first words");
  if (Status status = check_codes(first, columns, "first"); !status.ok())
    return status;
  if (Status status = check_codes(second, columns, "second"); !status.ok())
    return status;

  StlqWeights weights{out_features, in_features, {}, {}, {}};
  const auto row_bytes = static_cast<std::size_t>(stlq_row_bytes(in_features));
  weights.first.resize(static_cast<std::size_t>(out_features) * row_bytes);
  for (std::size_t n = 0; n < static_cast<std::size_t>(out_features); ++n)
    for (int k = 0; k < in_features; ++k)
      put(weights.first, n * row_bytes, k, first[n * columns + static_cast<std::size_t>(k)]);

  const int tile_columns = stlq_tile_columns(in_features);
  const auto tile_row_bytes = static_cast<std::size_t>(stlq_tile_row_bytes(in_features));
  weights.tiles.resize(static_cast<std::size_t>(stlq_tile_rows(out_features)) * tile_row_bytes);
  for (std::size_t tile = 0; tile < two_words.size(); ++tile) {
    const auto tile_row = static_cast<int>(tile / static_cast<std::size_t>(tile_columns));
    const auto tile_column = static_cast<int>(tile % static_cast<std::size_t>(tile_columns));
    const bool two = two_words[tile] != 0;
    const std::size_t at = weights.second.size();
    if (two) {
      weights.tiles[static_cast<std::size_t>(tile_row) * tile_row_bytes + static_cast<std::size_t>(tile_column / 8)] |=
          static_cast<std::uint8_t>(1 << tile_column % 8);
      weights.second.resize(at + stlq_tile_bytes);
    }
    const int outputs = std::min(stlq_tile_outputs, out_features - tile_row * stlq_tile_outputs);
    const int inputs = std::min(stlq_tile_inputs, in_features - tile_column * stlq_tile_inputs);
    for (int n = 0; n < outputs && !second.empty(); ++n)
      for (int k = 0; k < inputs; ++k) {
        const std::size_t index = static_cast<std::size_t>(tile_row * stlq_tile_outputs + n) * columns +
                                  static_cast<std::size_t>(tile_column * stlq_tile_inputs + k);
        if (two)
          put(weights.second, at + static_cast<std::size_t>(n * stlq_tile_inputs / 2), k, second[index]);
        else if (second[index] != 0)
          return bad_argument("second word " + place(index, columns) + " is in a tile without");
      }
  }
  return weights;
}

Result<StlqWeights> encode_stlq_values(int out_features, int in_features, std::span<const std::int8_t> weights,
                                       std::span<const std::uint8_t> two_words) {
  if (Status status = check_sizes(out_features, in_features, weights.size(), two_words); !status.ok())
    return status;
  std::array<Words, 256> words;
  for (int value = -128; value < 128; ++value)
    words[static_cast<std::uint8_t>(value)] = words_of(value);
  const auto columns = static_cast<std::size_t>(in_features);
  const auto tile_columns = static_cast<std::size_t>(stlq_tile_columns(in_features));
  std::vector<std::int8_t> first(weights.size());
  std::vector<std::int8_t> second(weights.size());
  for (std::size_t index = 0; index < weights.size(); ++index) {
    const Words &of = words[static_cast<std::uint8_t>(weights[index])];
    const std::size_t tile = index / columns / stlq_tile_outputs * tile_columns + index % columns / stlq_tile_inputs;
    if (!of.exact || (of.second != 0 && two_words[tile] == 0))
      return bad_argument("weight " + place(index, columns) + " = " + std::to_string(weights[index]) +
                          " is not the value of " + (two_words[tile] != 0 ? "two words" : "one word"));
    first[index] = of.first;
    second[index] = of.second;
  }
  return encode_stlq(out_features, in_features, first, second, two_words);
}

std::vector<std::int8_t> decode_stlq(const StlqWeights &weights) {
  std::vector<std::int8_t> values(static_cast<std::size_t>(weights.out_features) *
                                  static_cast<std::size_t>(weights.in_features));
  kernels::decode_stlq(weights.view(), values.data());
  return values;
}

} // namespace intvit
