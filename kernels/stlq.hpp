// Selective two-word logarithmic weights: their words, and how a matrix of them is laid out (docs/numerics.md, "STLQ
// weights"; Oh et al., CVPR 2021).
//
// A weight is a word of four bits, or the sum of two. A word is a code q in [-7, 7] in two's complement and stands for
// 0 where q = 0, else for sign(q) * 2^-|q|. In units of 2^-7 that is an integer of magnitude 64 at most, so a decoded
// weight is an int8, and the matrix product is the ordinary 8-bit one. Weights get second words in tiles of 64 outputs
// by 4 inputs: all weights of a tile, or none.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/inline.hpp"

namespace intvit::kernels {

inline constexpr int stlq_max_code = 7;
// The one pattern of four bits that is no code: -8 in two's complement.
inline constexpr std::uint8_t stlq_no_code = 8;

// An STLQ tile is as high as the widest panel of any instruction set, and a multiple of every other (kernels/vector),
// so that files do not depend on the processor. (The tile of the matrix product is another: what it accumulates at
// once.)
inline constexpr int stlq_tile_outputs = 64;
inline constexpr int stlq_tile_inputs = 4;
inline constexpr int stlq_tile_bytes = stlq_tile_outputs * stlq_tile_inputs / 2; // of a tile's second words

// The four bits of a code in [-7, 7].
INTVIT_INLINE constexpr std::uint8_t stlq_word(int code) {
  return static_cast<std::uint8_t>(code & 15);
}

// In units of 2^-7: 0 or +-1 .. +-64.
INTVIT_INLINE constexpr std::int8_t stlq_word_value(std::uint8_t word) {
  const int code = word < 8 ? word : word - 16;
  return static_cast<std::int8_t>(code == 0 ? 0 : code < 0 ? -(128 >> -code) : 128 >> code);
}

// The values of all words, as bytes; of the one that is no code, 0.
struct alignas(16) StlqWordValues {
  std::uint8_t values[16];

  constexpr StlqWordValues() : values{} {
    for (std::uint8_t word = 0; word < 16; ++word)
      values[word] = static_cast<std::uint8_t>(word == stlq_no_code ? 0 : stlq_word_value(word));
  }
};
inline constexpr StlqWordValues stlq_word_values;

// A weight of two words, in units of 2^-7. The only sums that do not fit, 64 + 64 and its negative, saturate to +-127.
INTVIT_INLINE constexpr std::int8_t stlq_value(std::uint8_t first, std::uint8_t second) {
  const int sum = stlq_word_value(first) + stlq_word_value(second);
  return static_cast<std::int8_t>(sum < -127 ? -127 : sum > 127 ? 127 : sum);
}

// How many rows and columns of tiles a matrix has; those at its end may be partly outside.
INTVIT_INLINE constexpr int stlq_tile_row_count(int out_features) {
  return (out_features + stlq_tile_outputs - 1) / stlq_tile_outputs;
}
INTVIT_INLINE constexpr int stlq_tile_column_count(int in_features) {
  return in_features / stlq_tile_inputs + (in_features % stlq_tile_inputs != 0 ? 1 : 0);
}
// Bytes of a row's first words, and of the bits of a row of tiles.
INTVIT_INLINE constexpr int stlq_row_bytes(int in_features) {
  return in_features / 2 + in_features % 2;
}
INTVIT_INLINE constexpr int stlq_tile_bit_bytes(int in_features) {
  return (stlq_tile_column_count(in_features) + 7) / 8;
}

// A matrix [out_features, in_features] of such weights, as it stands in a file (docs/format.md, "STLQ weights"). Words
// and bits that belong to no weight and no tile are 0.
struct StlqMatrix {
  int out_features = 0;
  int in_features = 0;
  // [out_features, stlq_row_bytes()]: input k of a row is the low half of byte k / 2 where k is even, else the high
  // half.
  const std::uint8_t *first = nullptr;
  // [stlq_tile_row_count(), stlq_tile_bit_bytes()]: bit t % 8 of byte t / 8 is 1 where tile t of the row has second
  // words.
  const std::uint8_t *tiles = nullptr;
  // [tiles with second words, stlq_tile_bytes], in the order of their bits. Within a tile: [64 outputs, 4 inputs], two
  // words a byte as in `first`.
  const std::uint8_t *second = nullptr;

  INTVIT_INLINE std::uint8_t first_word(int output, int input) const {
    const std::ptrdiff_t row = std::ptrdiff_t{output} * stlq_row_bytes(in_features);
    return first[row + input / 2] >> (input % 2 * 4) & 15;
  }
  INTVIT_INLINE bool has_second_words(int tile_row, int tile_column) const {
    return (tiles[std::ptrdiff_t{tile_row} * stlq_tile_bit_bytes(in_features) + tile_column / 8] >> (tile_column % 8) &
            1) != 0;
  }
  // `tile`: its place among those with second words; `output` and `input` count from its first ones.
  INTVIT_INLINE std::uint8_t second_word(std::ptrdiff_t tile, int output, int input) const {
    return second[tile * stlq_tile_bytes + std::ptrdiff_t{output} * (stlq_tile_inputs / 2) + input / 2] >>
               (input % 2 * 4) &
           15;
  }
};

// All weights in units of 2^-7, int8 [out_features, in_features]: what every kernel's result is defined by.
void decode_stlq(const StlqMatrix &matrix, std::int8_t *weights);

} // namespace intvit::kernels
