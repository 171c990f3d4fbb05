#include "engine/ops/four_bits_storage.hpp"

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

namespace intvit {

namespace {

using namespace kernels;

bool is_marked(const std::uint8_t *bits, int group) {
  return (bits[group / 8] >> (group % 8) & 1) != 0;
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
  const int smallest = word_codes(matrix.layout.scale, false).smallest;
  const auto row_bytes = static_cast<std::size_t>(first_word_bytes(weights.in_features));
  const bool filled = weights.in_features % 2 != 0; // a row's last byte has one word
  for (int n = 0; n < weights.out_features; ++n) {
    const std::span row(weights.first.data() + static_cast<std::size_t>(n) * row_bytes, row_bytes);
    const bool all_codes =
        smallest == code_of_word(no_word_code) || std::none_of(row.begin(), row.end(), holds_no_code);
    if (all_codes && (!filled || row.back() >> 4 == 0))
      continue;
    for (int k = 0; k < 2 * first_word_bytes(weights.in_features); ++k)
      if (const char *defect = word_defect(matrix.first_word(n, k), smallest, k < weights.in_features))
        return storage.first() + word_place(n, k) + defect;
  }
  return "";
}

std::string group_bit_defect(const FourBitStorage &storage, int out_features, int in_features,
                             const std::vector<std::uint8_t> &groups) {
  const int row_bytes = storage.group_bit_bytes(in_features);
  for (int row = 0; row < four_bit_layout(storage.format).group_rows(out_features); ++row)
    for (int group = storage.groups_in_row(in_features); group < 8 * row_bytes; ++group)
      if (is_marked(groups.data() + std::ptrdiff_t{row} * row_bytes, group))
        return std::string(storage.groups()) + ": bit " + std::to_string(group) + " of row " + std::to_string(row) +
               " belongs to no group and is not 0";
  return "";
}

std::string second_word_defect(const FourBitWeights &weights, const FourBitStorage &storage) {
  const FourBitMatrix matrix = weights.view();
  const int smallest = word_codes(matrix.layout.scale, true).smallest;
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

// short_word() beside every first word.
using ShortWords = std::array<std::array<std::uint8_t, 4>, 16>;
ShortWords short_words(WordScale scale) {
  ShortWords words{};
  for (std::uint8_t first = 0; first < 16; ++first)
    for (int bits = 0; bits < 4; ++bits)
      words[first][static_cast<std::size_t>(bits)] = short_word(scale, first, bits);
  return words;
}

// Four second words of two bits, of which the first `count` belong to weights, as two bytes of words of four bits.
// `first`: their first words, two a byte.
void lengthen_four(const ShortWords &words, const std::uint8_t *first, unsigned bits, int count, std::uint8_t *second) {
  for (int i = 0; i < count; ++i) {
    const std::size_t word = first[i / 2] >> (i % 2 * 4) & 15;
    const auto longer = static_cast<unsigned>(words[word][bits >> (2 * i) & 3]);
    second[i / 2] = static_cast<std::uint8_t>(second[i / 2] | longer << (i % 2 * 4));
  }
}

// Second words of two bits, four a byte, become words of four bits, two a byte, of groups of four inputs. Returns what
// is wrong, as restore() does.
std::string lengthen(const FourBitStorage &storage, const StoredFourBits &stored, FourBitWeights &weights) {
  const ShortWords words = short_words(weights.layout().scale);
  const int inputs = weights.in_features;
  const std::ptrdiff_t bit_bytes = group_bit_bytes(inputs);
  const std::uint8_t *bits = stored.second.data();
  weights.groups.assign(static_cast<std::size_t>(weights.out_features * bit_bytes), 0);
  weights.second.assign(2 * stored.second.size(), 0);
  std::uint8_t *second = weights.second.data();
  for (int n = 0; n < weights.out_features; ++n) {
    const std::uint8_t *first = weights.first.data() + std::ptrdiff_t{n} * first_word_bytes(inputs);
    const std::uint8_t *marks = stored.groups.data() + std::ptrdiff_t{n} * storage.group_bit_bytes(inputs);
    for (int group = 0; group < storage.groups_in_row(inputs); ++group) {
      if (!is_marked(marks, group))
        continue;
      for (int i = 0; i < storage.group_inputs; i += word_group_inputs, ++bits) {
        const int k = group * storage.group_inputs + i;
        const int count = std::clamp(inputs - k, 0, word_group_inputs); // of these weights inside the matrix
        if (*bits >> (2 * count) != 0) {
          int outside = k + count;
          while ((*bits >> (2 * (outside - k)) & 3) == 0)
            ++outside;
          return storage.second() + word_place(n, outside) + "belongs to no weight and is not 0";
        }
        if (count == 0)
          continue;
        const int own = k / word_group_inputs;
        std::uint8_t &mark = weights.groups[static_cast<std::size_t>(n * bit_bytes + own / 8)];
        mark = static_cast<std::uint8_t>(mark | 1U << (own % 8));
        lengthen_four(words, first + k / 2, *bits, count, second);
        second += word_group_inputs / 2;
      }
    }
  }
  weights.second.resize(static_cast<std::size_t>(second - weights.second.data()));
  return "";
}

// The two bits that stand for a second word beside a first one, or nothing.
std::optional<int> short_bits(WordScale scale, std::uint8_t first, std::uint8_t word) {
  for (int bits = 0; bits < 4; ++bits)
    if (short_word(scale, first, bits) == word)
      return bits;
  return std::nullopt;
}

// The reverse of lengthen(); nothing where a word is none of the four, or where not all groups of four inputs that the
// storage holds together have second words.
std::optional<StoredFourBits> shorten(const FourBitStorage &storage, const FourBitWeights &weights) {
  const FourBitMatrix matrix = weights.view();
  const int bit_bytes = storage.group_bit_bytes(weights.in_features);
  StoredFourBits stored{weights.first, {}, {}};
  stored.groups.assign(static_cast<std::size_t>(weights.out_features) * static_cast<std::size_t>(bit_bytes), 0);
  std::ptrdiff_t index = 0; // of a group of four inputs with second words
  for (int n = 0; n < weights.out_features; ++n)
    for (int group = 0; group < storage.groups_in_row(weights.in_features); ++group) {
      const int begin = group * storage.group_inputs;
      const int end = std::min(begin + storage.group_inputs, weights.in_features);
      const bool two = matrix.has_second_words(n, begin / word_group_inputs);
      for (int k = begin; k < end; k += word_group_inputs)
        if (matrix.has_second_words(n, k / word_group_inputs) != two)
          return std::nullopt;
      if (!two)
        continue;
      std::uint8_t &mark = stored.groups[static_cast<std::size_t>(n * std::ptrdiff_t{bit_bytes} + group / 8)];
      mark = static_cast<std::uint8_t>(mark | 1U << (group % 8));
      const std::size_t at = stored.second.size();
      stored.second.resize(at + static_cast<std::size_t>(storage.group_bytes()));
      for (int k = begin; k < end; ++k) {
        const int i = k - begin;
        const std::optional<int> bits =
            short_bits(matrix.layout.scale, matrix.first_word(n, k),
                       matrix.second_word(index + i / word_group_inputs, 0, i % word_group_inputs));
        if (!bits)
          return std::nullopt;
        std::uint8_t &byte = stored.second[at + static_cast<std::size_t>(i / 4)];
        byte = static_cast<std::uint8_t>(byte | *bits << (i % 4 * 2));
      }
      index += (end - begin + word_group_inputs - 1) / word_group_inputs;
    }
  return stored;
}

} // namespace

std::int64_t count_marked_groups(const FourBitStorage &storage, int out_features, int in_features,
                                 const std::vector<std::uint8_t> &groups) {
  const int row_bytes = storage.group_bit_bytes(in_features);
  std::int64_t count = 0;
  for (int row = 0; row < four_bit_layout(storage.format).group_rows(out_features); ++row)
    for (int group = 0; group < storage.groups_in_row(in_features); ++group)
      count += is_marked(groups.data() + std::ptrdiff_t{row} * row_bytes, group) ? 1 : 0;
  return count;
}

std::string restore(const FourBitStorage &storage, int out_features, int in_features, StoredFourBits stored,
                    FourBitWeights &weights) {
  weights = {storage.format, out_features, in_features, std::move(stored.first), {}, {}};
  std::string defect = first_word_defect(weights, storage);
  if (defect.empty())
    defect = group_bit_defect(storage, out_features, in_features, stored.groups);
  if (!defect.empty())
    return defect;
  if (!storage.as_in_memory())
    return lengthen(storage, stored, weights);
  weights.groups = std::move(stored.groups);
  weights.second = std::move(stored.second);
  return second_word_defect(weights, storage);
}

StoredWeights store(const FourBitWeights &weights) {
  StoredWeights best{nullptr, {}};
  for (const FourBitStorage &storage : four_bit_storages) {
    if (storage.format != weights.format)
      continue;
    std::optional<StoredFourBits> stored = storage.as_in_memory()
                                               ? StoredFourBits{weights.first, weights.groups, weights.second}
                                               : shorten(storage, weights);
    if (stored && (best.storage == nullptr || stored->bytes() < best.constants.bytes()))
      best = {&storage, std::move(*stored)};
  }
  return best; // there is none only of words of int4_wide that are no codes of it, or not in pairs of groups
}

} // namespace intvit
