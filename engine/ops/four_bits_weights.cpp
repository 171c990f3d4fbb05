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

Status check_codes(std::span<const std::int8_t> codes, int smallest, std::size_t columns, const char *which) {
  const auto bad =
      std::find_if(codes.begin(), codes.end(), [&](int code) { return code < smallest || code > largest_word_code; });
  if (bad == codes.end())
    return {};
  return bad_argument(std::string(which) + " word " + place(static_cast<std::size_t>(bad - codes.begin()), columns) +
                      " is " + std::to_string(*bad) + ", not from " + std::to_string(smallest) + " to 7");
}

// The smallest code of a second word.
int smallest_second_code(WordScale scale) {
  return scale == WordScale::log ? -largest_word_code : -largest_word_code - 1;
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

// What is wrong with a word that stands for a weight, or for none. `smallest`: the smallest code that it may be.
const char *word_defect(std::uint8_t word, int smallest, bool inside) {
  if (inside)
    return code_of_word(word) < smallest ? "is -8, which is no code" : nullptr;
  return word != 0 ? "belongs to no weight and is not 0" : nullptr;
}

std::string word_place(int output, int input) {
  return ": the word of output " + std::to_string(output) + ", input " + std::to_string(input) + " ";
}

// One of the two words in it is -8.
bool holds_no_code(std::uint8_t byte) {
  return (byte & 15) == no_word_code || byte >> 4 == no_word_code;
}

std::string first_word_defect(const FourBitWeights &weights, const FourBitStorage &storage) {
  const FourBitMatrix matrix = weights.view();
  const auto row_bytes = static_cast<std::size_t>(first_word_bytes(weights.in_features));
  const bool filled = weights.in_features % 2 != 0; // a row's last byte has one word
  for (int n = 0; n < weights.out_features; ++n) {
    const std::span row(weights.first.data() + static_cast<std::size_t>(n) * row_bytes, row_bytes);
    if (std::none_of(row.begin(), row.end(), holds_no_code) && (!filled || row.back() >> 4 == 0))
      continue;
    for (int k = 0; k < 2 * first_word_bytes(weights.in_features); ++k)
      if (const char *defect = word_defect(matrix.first_word(n, k), -largest_word_code, k < weights.in_features))
        return storage.first() + word_place(n, k) + defect;
  }
  return "";
}

std::string group_bit_defect(const FourBitWeights &weights, const FourBitStorage &storage) {
  const FourBitMatrix matrix = weights.view();
  for (int row = 0; row < matrix.layout.group_rows(weights.out_features); ++row)
    for (int group = word_groups_in_row(weights.in_features); group < 8 * group_bit_bytes(weights.in_features); ++group)
      if (matrix.has_second_words(row, group))
        return std::string(storage.groups()) + ": bit " + std::to_string(group) + " of row " + std::to_string(row) +
               " belongs to no group and is not 0";
  return "";
}

std::string second_word_defect(const FourBitWeights &weights, const FourBitStorage &storage) {
  const FourBitMatrix matrix = weights.view();
  const int smallest = smallest_second_code(matrix.layout.scale);
  const int group_outputs = matrix.layout.group_outputs;
  std::ptrdiff_t index = 0; // of a group with second words
  for (int row = 0; row < matrix.layout.group_rows(weights.out_features); ++row)
    for (int group = 0; group < word_groups_in_row(weights.in_features); ++group) {
      if (!matrix.has_second_words(row, group))
        continue;
      const int outputs = weights.out_features - row * group_outputs;
      const int inputs = weights.in_features - group * word_group_inputs;
      const std::uint8_t *words = matrix.second + index * matrix.layout.group_bytes();
      if (outputs < group_outputs || inputs < word_group_inputs ||
          std::any_of(words, words + matrix.layout.group_bytes(), holds_no_code))
        for (int n = 0; n < group_outputs; ++n)
          for (int k = 0; k < word_group_inputs; ++k)
            if (const char *defect = word_defect(matrix.second_word(index, n, k), smallest, n < outputs && k < inputs))
              return storage.second() + word_place(row * group_outputs + n, group * word_group_inputs + k) + defect;
      ++index;
    }
  return "";
}

// The codes of a weight; the second is 0 where one suffices.
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

Codes codes_of(WordScale scale, int value) {
  return scale == WordScale::log ? log_codes(value) : uniform_codes(value);
}

} // namespace

const FourBitStorage &storage_of(const FourBitWeights &weights) {
  constexpr std::uint8_t lower_bits = 0x33; // of two words in a byte
  const bool short_words =
      weights.layout().scale == WordScale::uniform && !weights.second.empty() &&
      std::none_of(weights.second.begin(), weights.second.end(), [](std::uint8_t two) { return two & lower_bits; });
  return *std::find_if(four_bit_storages.begin(), four_bit_storages.end(), [&](const FourBitStorage &storage) {
    return storage.format == weights.format && storage.second_bits == (short_words ? 2 : 4);
  });
}

std::vector<std::uint8_t> stored_second_words(const FourBitStorage &storage, std::vector<std::uint8_t> words) {
  if (storage.second_bits == 4)
    return words;
  for (std::size_t i = 0; i < words.size() / 2; ++i) {
    const int four = words[2 * i] | words[2 * i + 1] << 8;
    words[i] = static_cast<std::uint8_t>((four >> 2 & 3) | (four >> 4 & 12) | (four >> 6 & 48) | (four >> 8 & 192));
  }
  words.resize(words.size() / 2);
  return words;
}

std::vector<std::uint8_t> second_words_of(const FourBitStorage &storage, std::vector<std::uint8_t> stored) {
  if (storage.second_bits == 4)
    return stored;
  const std::size_t bytes = stored.size();
  stored.resize(2 * bytes);
  for (std::size_t i = bytes; i-- > 0;) {
    const std::uint8_t four = stored[i];
    stored[2 * i] = static_cast<std::uint8_t>((four & 3) << 2 | (four & 12) << 4);
    stored[2 * i + 1] = static_cast<std::uint8_t>((four & 48) >> 2 | (four & 192));
  }
  return stored;
}

std::int64_t count_marked_groups(const FourBitWeights &weights) {
  const FourBitMatrix matrix = weights.view();
  std::int64_t count = 0;
  for (int row = 0; row < matrix.layout.group_rows(weights.out_features); ++row)
    for (int group = 0; group < word_groups_in_row(weights.in_features); ++group)
      count += matrix.has_second_words(row, group) ? 1 : 0;
  return count;
}

std::string find_defect(const FourBitWeights &weights, const FourBitStorage &storage) {
  for (const auto check : {first_word_defect, group_bit_defect, second_word_defect})
    if (std::string defect = check(weights, storage); !defect.empty())
      return defect;
  return "";
}

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
  if (Status status = check_codes(first, -largest_word_code, columns, "first"); !status.ok())
    return status;
  if (Status status = check_codes(second, smallest_second_code(layout.scale), columns, "second"); !status.ok())
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
  std::array<Codes, 256> codes;
  for (int value = -128; value < 128; ++value)
    codes[static_cast<std::uint8_t>(value)] = codes_of(layout.scale, value);
  const auto columns = static_cast<std::size_t>(in_features);
  std::vector<std::int8_t> first(weights.size());
  std::vector<std::int8_t> second(weights.size());
  for (std::size_t index = 0; index < weights.size(); ++index) {
    const Codes &of = codes[static_cast<std::uint8_t>(weights[index])];
    const bool two = two_words[group_of(layout, index, columns)] != 0;
    if (!of.exact || (of.second != 0 && !two))
      return bad_argument("weight " + place(index, columns) + " = " + std::to_string(weights[index]) +
                          " is not the value of " + (two ? "two words" : "one word"));
    first[index] = of.first;
    second[index] = of.second;
  }
  return encode_four_bits(format, out_features, in_features, first, second, two_words);
}

Result<FourBitWeights> encode_four_bit_values(WeightFormat format, int out_features, int in_features,
                                              std::span<const std::int8_t> weights) {
  const FourBitLayout layout = four_bit_layout(format);
  std::vector<std::uint8_t> two_words(static_cast<std::size_t>(layout.group_rows(out_features)) *
                                      static_cast<std::size_t>(word_groups_in_row(in_features)));
  for (std::size_t index = 0; index < weights.size(); ++index)
    if (!is_one_word(layout.scale, weights[index]))
      two_words[group_of(layout, index, static_cast<std::size_t>(in_features))] = 1;
  return encode_four_bit_values(format, out_features, in_features, weights, two_words);
}

bool is_one_word(WordScale scale, std::int8_t weight) {
  const Codes codes = codes_of(scale, weight);
  return codes.exact && codes.second == 0;
}

std::vector<std::int8_t> decode_four_bits(const FourBitWeights &weights) {
  std::vector<std::int8_t> values(static_cast<std::size_t>(weights.out_features) *
                                  static_cast<std::size_t>(weights.in_features));
  kernels::decode_four_bits(weights.view(), values.data());
  return values;
}

} // namespace intvit
