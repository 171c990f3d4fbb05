// Weights of four bits, of which some groups have more: their words, and how a matrix of them is laid out
// (docs/numerics.md, "Weights of four bits").
//
// A weight is a word of four bits, or the sum of two. What a word stands for is one of three scales:
//   log       a code q in [-7, 7] stands for 0 where q = 0, else for sign(q) * 2^-|q|, in units of 2^-7: an integer of
//             magnitude 64 at most (STLQ; Oh et al., CVPR 2021). Both words are on this scale.
//   uniform   the first word stands for 16 times its code in [-7, 7], the second for its code in [-8, 7]: the upper and
//             the lower half of an int8. Second words make weights finer.
//   wide      the first word stands for 2 times its code in [-8, 7], the second for 16 times its code, -3, -1, 1 or 3:
//             together all even integers from -64 to 62. Second words make the range wider.
// So a decoded weight is an int8, and the matrix product is the ordinary 8-bit one. Weights get second words in groups:
// all weights of a group, or none.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/inline.hpp"

namespace intvit::kernels {

enum class WordScale : std::uint8_t { log, uniform, wide };

// First words are codes in [-7, 7], on the wide scale in [-8, 7]. The one pattern of four bits that is no code of the
// other scales: -8 in two's complement.
inline constexpr int largest_word_code = 7;
inline constexpr std::uint8_t no_word_code = 8;

// How a format groups weights: so many outputs by four inputs. 64 outputs are as many as the widest panel of any
// instruction set has, and a multiple of every other (kernels/vector), so that files do not depend on the processor.
inline constexpr int word_group_inputs = 4;
inline constexpr int word_tile_outputs = 64;

struct FourBitLayout {
  WordScale scale = WordScale::log;
  int group_outputs = 1; // 1 or word_tile_outputs

  // Bytes of a group's second words.
  INTVIT_INLINE constexpr int group_bytes() const { return group_outputs * word_group_inputs / 2; }
  // How many rows of groups a matrix has; the last may be partly outside.
  INTVIT_INLINE constexpr int group_rows(int out_features) const {
    return (out_features + group_outputs - 1) / group_outputs;
  }
  constexpr bool operator==(const FourBitLayout &) const = default;
};

// Groups of a row, of which the last may be partly outside; bytes of their bits; bytes of an output's first words.
INTVIT_INLINE constexpr int word_groups_in_row(int in_features) {
  return in_features / word_group_inputs + (in_features % word_group_inputs != 0 ? 1 : 0);
}
INTVIT_INLINE constexpr int group_bit_bytes(int in_features) {
  return (word_groups_in_row(in_features) + 7) / 8;
}
INTVIT_INLINE constexpr int first_word_bytes(int in_features) {
  return in_features / 2 + in_features % 2;
}

// The four bits of a code, and the code of four bits.
INTVIT_INLINE constexpr std::uint8_t word_of_code(int code) {
  return static_cast<std::uint8_t>(code & 15);
}
INTVIT_INLINE constexpr int code_of_word(std::uint8_t word) {
  return word < 8 ? word : word - 16;
}

// What a word on the log scale stands for, in units of 2^-7: 0 or +-1 .. +-64. Of the pattern that is no code: 0.
INTVIT_INLINE constexpr int log_word_value(std::uint8_t word) {
  const int code = code_of_word(word);
  if (code == 0 || word == no_word_code)
    return 0;
  return code < 0 ? -(128 >> -code) : 128 >> code;
}

// The values of a scale's words as bytes, to be looked up sixteen at once.
struct WordValues {
  alignas(16) std::uint8_t first[16];
  alignas(16) std::uint8_t second[16];

  explicit constexpr WordValues(WordScale scale) : first{}, second{} {
    for (std::uint8_t word = 0; word < 16; ++word) {
      first[word] = static_cast<std::uint8_t>(first_value(scale, word));
      second[word] = static_cast<std::uint8_t>(second_value(scale, word));
    }
  }

private:
  static constexpr int first_value(WordScale scale, std::uint8_t word) {
    if (scale == WordScale::log)
      return log_word_value(word);
    if (scale == WordScale::wide)
      return 2 * code_of_word(word);
    return word == no_word_code ? 0 : 16 * code_of_word(word);
  }
  static constexpr int second_value(WordScale scale, std::uint8_t word) {
    if (scale == WordScale::log)
      return log_word_value(word);
    return scale == WordScale::wide ? 16 * code_of_word(word) : code_of_word(word);
  }
};
template <WordScale scale> inline constexpr WordValues word_values{scale};

INTVIT_INLINE constexpr const WordValues &values_of(WordScale scale) {
  return scale == WordScale::log    ? word_values<WordScale::log>
         : scale == WordScale::wide ? word_values<WordScale::wide>
                                    : word_values<WordScale::uniform>;
}

// A weight of one word, and of two. The only sums that do not fit, 64 + 64 and its negative on the log scale, saturate
// to +-127; on the uniform scale they are from -120 to 119, on the wide one, of codes, from -64 to 62.
INTVIT_INLINE constexpr std::int8_t one_word_value(WordScale scale, std::uint8_t first) {
  return static_cast<std::int8_t>(values_of(scale).first[first]);
}
INTVIT_INLINE constexpr std::int8_t two_word_value(WordScale scale, std::uint8_t first, std::uint8_t second) {
  const int sum = one_word_value(scale, first) + static_cast<std::int8_t>(values_of(scale).second[second]);
  return static_cast<std::int8_t>(sum < -127 ? -127 : sum > 127 ? 127 : sum);
}

// A matrix [out_features, in_features] of such weights, as it stands in a file (docs/format.md, "Weights of four
// bits"). Words and bits that belong to no weight and no group are 0.
struct FourBitMatrix {
  FourBitLayout layout;
  int out_features = 0;
  int in_features = 0;
  // [out_features, first_word_bytes()]: input k of a row is the low half of byte k / 2 where k is even, else the high
  // half.
  const std::uint8_t *first = nullptr;
  // [group_rows(), group_bit_bytes()]: bit g % 8 of byte g / 8 is 1 where group g of the row has second words.
  const std::uint8_t *groups = nullptr;
  // [groups with second words, group_bytes()], in the order of their bits. Within a group: [group_outputs, 4 inputs],
  // two words a byte as in `first`.
  const std::uint8_t *second = nullptr;

  INTVIT_INLINE std::uint8_t first_word(int output, int input) const {
    const std::ptrdiff_t row = std::ptrdiff_t{output} * first_word_bytes(in_features);
    return first[row + input / 2] >> (input % 2 * 4) & 15;
  }
  INTVIT_INLINE bool has_second_words(int group_row, int group) const {
    return (groups[std::ptrdiff_t{group_row} * group_bit_bytes(in_features) + group / 8] >> (group % 8) & 1) != 0;
  }
  // `group`: its place among those with second words; `output` and `input` count from its first ones.
  INTVIT_INLINE std::uint8_t second_word(std::ptrdiff_t group, int output, int input) const {
    return second[group * layout.group_bytes() + std::ptrdiff_t{output} * (word_group_inputs / 2) + input / 2] >>
               (input % 2 * 4) &
           15;
  }
};

// All weights, int8 [out_features, in_features]: what every kernel's result is defined by.
void decode_four_bits(const FourBitMatrix &matrix, std::int8_t *weights);

} // namespace intvit::kernels
