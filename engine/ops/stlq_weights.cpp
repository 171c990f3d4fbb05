#include "engine/ops/stlq_weights.hpp"

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
  if (two_words.size() != static_cast<std::size_t>(stlq_tile_row_count(out_features)) *
                              static_cast<std::size_t>(stlq_tile_column_count(in_features)))
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

// What is wrong with a word that stands for a weight, or for none.
const char *word_defect(std::uint8_t word, bool inside) {
  if (inside)
    return word == stlq_no_code ? "is -8, which is no code" : nullptr;
  return word != 0 ? "belongs to no weight and is not 0" : nullptr;
}

std::string word_place(int output, int input) {
  return ": the word of output " + std::to_string(output) + ", input " + std::to_string(input) + " ";
}

// One of the two words in it is no code.
bool holds_no_code(std::uint8_t byte) {
  return (byte & 15) == stlq_no_code || byte >> 4 == stlq_no_code;
}

std::string first_word_defect(const StlqWeights &weights) {
  const kernels::StlqMatrix matrix = weights.view();
  const auto row_bytes = static_cast<std::size_t>(stlq_row_bytes(weights.in_features));
  const bool filled = weights.in_features % 2 != 0; // a row's last byte has one word
  for (int n = 0; n < weights.out_features; ++n) {
    const std::span row(weights.first.data() + static_cast<std::size_t>(n) * row_bytes, row_bytes);
    if (std::none_of(row.begin(), row.end(), holds_no_code) && (!filled || row.back() >> 4 == 0))
      continue;
    for (int k = 0; k < 2 * stlq_row_bytes(weights.in_features); ++k)
      if (const char *defect = word_defect(matrix.first_word(n, k), k < weights.in_features))
        return stlq_first_constant + word_place(n, k) + defect;
  }
  return "";
}

std::string tile_defect(const StlqWeights &weights) {
  const kernels::StlqMatrix matrix = weights.view();
  for (int row = 0; row < stlq_tile_row_count(weights.out_features); ++row)
    for (int tile = stlq_tile_column_count(weights.in_features); tile < 8 * stlq_tile_bit_bytes(weights.in_features);
         ++tile)
      if (matrix.has_second_words(row, tile))
        return std::string(stlq_tiles_constant) + ": bit " + std::to_string(tile) + " of row " + std::to_string(row) +
               " belongs to no tile and is not 0";
  return "";
}

std::string second_word_defect(const StlqWeights &weights) {
  const kernels::StlqMatrix matrix = weights.view();
  std::ptrdiff_t index = 0; // of a tile with second words
  for (int row = 0; row < stlq_tile_row_count(weights.out_features); ++row)
    for (int tile = 0; tile < stlq_tile_column_count(weights.in_features); ++tile) {
      if (!matrix.has_second_words(row, tile))
        continue;
      const int outputs = weights.out_features - row * stlq_tile_outputs;
      const int inputs = weights.in_features - tile * stlq_tile_inputs;
      const std::uint8_t *words = matrix.second + index * stlq_tile_bytes;
      if (outputs < stlq_tile_outputs || inputs < stlq_tile_inputs ||
          std::any_of(words, words + stlq_tile_bytes, holds_no_code))
        for (int n = 0; n < stlq_tile_outputs; ++n)
          for (int k = 0; k < stlq_tile_inputs; ++k)
            if (const char *defect = word_defect(matrix.second_word(index, n, k), n < outputs && k < inputs))
              return stlq_second_constant + word_place(row * stlq_tile_outputs + n, tile * stlq_tile_inputs + k) +
                     defect;
      ++index;
    }
  return "";
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

std::int64_t count_marked_tiles(const StlqWeights &weights) {
  const kernels::StlqMatrix matrix = weights.view();
  std::int64_t count = 0;
  for (int row = 0; row < stlq_tile_row_count(weights.out_features); ++row)
    for (int tile = 0; tile < stlq_tile_column_count(weights.in_features); ++tile)
      count += matrix.has_second_words(row, tile) ? 1 : 0;
  return count;
}

std::string find_defect(const StlqWeights &weights) {
  for (const auto check : {first_word_defect, tile_defect, second_word_defect})
    if (std::string defect = check(weights); !defect.empty())
      return defect;
  return "";
}

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

  const int tile_columns = stlq_tile_column_count(in_features);
  const auto tile_row_bytes = static_cast<std::size_t>(stlq_tile_bit_bytes(in_features));
  weights.tiles.resize(static_cast<std::size_t>(stlq_tile_row_count(out_features)) * tile_row_bytes);
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
  const auto tile_columns = static_cast<std::size_t>(stlq_tile_column_count(in_features));
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
