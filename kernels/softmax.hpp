// Softmax over rows of integer attention scores (docs/numerics.md, "i-exp table" and "log_int_softmax").
//
// A row of scores is turned into distances from its largest score, 8-bit integers in steps of ln 2 / units_per_octave.
// exp of minus a distance is then one of 256 integers in a table, which I-BERT's integer polynomial (arXiv 2101.01321)
// builds as FQ-ViT uses it. From them come the attention weights, integers P. Their sum is not 1: attention multiplies
// values by P and divides the few results by sum P, instead of dividing all weights.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/inline.hpp"

namespace intvit::kernels {

// What a weight is.
enum class Softmax : std::uint8_t {
  lis4,  // Log-Int-Softmax (FQ-ViT): a power of two 2^-code; code = log2 of 1 / probability, rounded; larger than 15: 0
  lis8,  // the same, but the 16 codes that are kept begin with the row's smallest code instead of 0
  int8,  // an 8-bit integer proportional to exp; 255 for the row's largest score
  int16, // the same with up to 16 bits, so that many small probabilities beside a large one are not lost
};
inline constexpr std::size_t softmax_count = 4;

constexpr const char *softmax_name(Softmax softmax) {
  switch (softmax) {
  case Softmax::lis4:
    return "lis4";
  case Softmax::lis8:
    return "lis8";
  case Softmax::int8:
    return "int8";
  case Softmax::int16:
    return "int16";
  }
  return "";
}

// The integer polynomial of exp. For score step s: units_per_octave = ln 2 / s, linear = 0.96963238 / 0.35815147 / s,
// constant = 1 / 0.35815147 / s^2, all integers.
struct ExpPolynomial {
  std::int32_t units_per_octave = 16; // 1..255
  std::int32_t linear = 0;            // 0..2^15
  std::int32_t constant = 0;          // 1..2^30
  std::int32_t octaves = 0;           // how many octaves keep all their bits (FQ-ViT's n), 0..30
};

using ExpTable = std::array<std::uint32_t, 256>;

// exp(-d * step) for d = 0..255, in units of constant * 2^octaves; not increasing.
// Requires constant * 2^octaves < 2^31.
ExpTable build_exp_table(const ExpPolynomial &polynomial);

// Whether exp halves, rounded down, from every distance to the one 16 further, so that 16 entries and a shift give all.
bool halves_every_16(const ExpTable &exp);

// The int8 softmax's weights: round(255 * exp[d] / exp[0]), ties upward. The last entry is 0, so that a score that is
// out of range has no weight.
std::array<std::uint8_t, 256> build_int8_weights(const ExpTable &exp);

// The int16 softmax's weights are exp[d] shifted right by this, rounded to nearest, ties upward; the last distance has
// none. Their sum over a row of `tokens` is below 2^24, and the largest is below 2^16.
int int16_weight_shift(const ExpTable &exp, int tokens);

// exp < 2^31, shift in 0..30.
INTVIT_INLINE constexpr std::uint32_t int16_weight(std::uint32_t exp, int shift) {
  return (exp + (std::uint32_t{1} << shift >> 1)) >> shift;
}

// How far a score is below the row's largest, `distance`, as an 8-bit code: min(255, (distance * multiplier +
// 2^(shift-1)) >> shift), in 32-bit unsigned arithmetic. The loader proves that this does not overflow for the largest
// distance, that of a score of -2^14 * head_dim below one of 2^14 * head_dim, plus what biases add.
INTVIT_INLINE constexpr std::uint8_t distance_code(std::uint32_t distance, std::uint32_t multiplier, int shift) {
  const std::uint32_t code = (distance * multiplier + (std::uint32_t{1} << (shift - 1))) >> shift;
  return static_cast<std::uint8_t>(code < 255 ? code : 255);
}

inline constexpr int no_log_int_softmax_code = 32; // of exp = 0; greater than every code

// FQ-ViT's rounded log2 of sum / exp: with ratio = round(sum / exp), ties upward, the code is floor(log2(ratio)), plus
// one where ratio - 2^floor >= 2^(floor-1). Requires exp <= sum < 2^31, sum > 0; the codes are 0..31.
int log_int_softmax_code(std::uint32_t sum, std::uint32_t exp);

// The weight of a code stands for the probability 2^-code in units of 2^-unit: 2^(unit - code), or 0 where code > unit.
// A row's weights add up to less than 1.5 * 2^unit, and none exceeds 2^15 (docs/numerics.md, "log_int_softmax").
INTVIT_INLINE constexpr std::int32_t log_int_softmax_weight(int code, int unit) {
  return code <= unit ? std::int32_t{1} << (unit - code) : 0;
}

inline constexpr int lis4_unit = 15;
inline constexpr int lis8_largest_unit = 23;

// lis8's unit for a row whose smallest code, that of its largest score, is `least`, 0..14. So the largest weight is
// 2^15 unless the unit has reached its limit, beyond which a row's weights could add up to more than 24 bits.
INTVIT_INLINE constexpr int lis8_unit(int least) {
  return lis4_unit + least < lis8_largest_unit ? lis4_unit + least : lis8_largest_unit;
}

} // namespace intvit::kernels
