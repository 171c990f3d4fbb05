// GELU and its relatives in 16-bit integers (docs/numerics.md, "GELU").
//
// gelu(x) = x * Phi(x) = max(x, 0) - tail(|x|) with tail(u) = u * (1 - Phi(u)), which is smooth, at most 0.17 and gone
// at 4. The tail is a table of 64 chords; max(x, 0) is exact. The result therefore has the input's full resolution,
// unlike a table over 8-bit inputs. Quick-GELU has the logistic function of 1.702 x in place of Phi(x). Its tail is as
// smooth but falls more slowly, so from 2 on its chords are twice as long and end at 6. SiLU has the logistic function
// itself; its tail is at most 0.28, and from 2 on its chords are four times as long and end at 10.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/inline.hpp"

#include "kernels/requantize.hpp"

namespace intvit::kernels {

enum class GeluFunction : std::uint8_t {
  gelu,  // x * Phi(x), Phi the normal distribution function
  quick, // x / (1 + exp(-1.702 x)), with which OpenAI trained CLIP
  silu,  // x / (1 + exp(-x)), which opens and closes the gates of gated MLPs
};
inline constexpr std::size_t gelu_function_count = 3;

// Input and result carry `fraction_bits` fraction bits, within these limits: 16-bit codes span +-128 to +-8.
inline constexpr int min_gelu_fraction_bits = 8;
inline constexpr int max_gelu_fraction_bits = 12;

// Where the chords of a tail begin, in units of 2^-16; the last ends at 0.
using GeluTail = std::array<std::int16_t, 65>;

// round(2^16 * tail(i / 16)) for i in 0..63, then 0. tests/kernels checks every entry against erfc.
inline constexpr GeluTail gelu_tail = {
    0,     1946, 3689, 5230, 6575, 7728, 8696, 9487, 10110, 10576, 10895, 11079, 11139, 11089, 10940, 10706, 10398,
    10027, 9606, 9146, 8655, 8144, 7620, 7093, 6567, 6050,  5546,  5060,  4594,  4152,  3735,  3345,  2982,  2647,
    2339,  2058, 1803, 1572, 1366, 1181, 1017, 873,  745,   634,   537,   453,   381,   318,   265,   220,   182,
    150,   123,  100,  82,   66,   53,   43,   34,   27,    22,    17,    14,    11,    0,
};

// The same of quick-GELU's tail(u) = u / (1 + exp(1.702 u)): at u = i / 16 for i up to 32, then at i / 8 - 2.
inline constexpr GeluTail quick_gelu_tail = {
    0,    1939, 3662, 5172, 6475, 7579, 8495, 9232, 9805, 10226, 10510, 10671, 10722, 10679, 10553, 10358, 10106,
    9807, 9470, 9106, 8721, 8322, 7916, 7507, 7100, 6698, 6305,  5922,  5552,  5195,  4853,  4527,  4217,  3644,
    3135, 2686, 2293, 1951, 1656, 1402, 1184, 998,  840,  706,   592,   496,   415,   347,   289,   241,   201,
    167,  139,  116,  96,   80,   66,   55,   45,   37,   31,    26,    21,    17,    0,
};

// The same of SiLU's tail(u) = u / (1 + exp(u)): at u = i / 16 for i up to 32, then at i / 4 - 6.
inline constexpr GeluTail silu_tail = {
    0,     1984,  3840,  5570,  7173,  8653,  10011, 11249, 12371, 13380, 14281, 15075, 15769,
    16366, 16871, 17290, 17625, 17884, 18070, 18188, 18244, 18241, 18186, 18082, 17933, 17745,
    17520, 17264, 16979, 16670, 16339, 15989, 15624, 14060, 12429, 10829, 9324,  7950,  6724,
    5647,  4715,  3917,  3240,  2670,  2193,  1796,  1467,  1196,  972,   789,   639,   517,
    418,   337,   272,   219,   176,   141,   113,   91,    73,    58,    47,    37,    0,
};

constexpr const GeluTail &tail_of(GeluFunction function) {
  switch (function) {
  case GeluFunction::quick:
    return quick_gelu_tail;
  case GeluFunction::silu:
    return silu_tail;
  case GeluFunction::gelu:
    break;
  }
  return gelu_tail;
}

// What instruction sets look chords up in, made of each function's tail: by GeluFunction.
template <class Table>
inline constexpr Table gelu_tables[gelu_function_count] = {Table(gelu_tail), Table(quick_gelu_tail), Table(silu_tail)};

// Where chords from 2 on are longer, 2^shift times, the place of |x| among chords of one length is the smaller of |x|
// and 2 - 2^(1 - shift) + |x| / 2^shift, rounded down. That is min(|x|, start + (|x| >> shift)) with these; for GELU,
// whose chords are all alike, |x|.
constexpr int gelu_fold_shift(GeluFunction function) {
  return function == GeluFunction::silu ? 2 : function == GeluFunction::quick ? 1 : 0;
}
constexpr int gelu_fold_start(GeluFunction function, int fraction_bits) {
  return function == GeluFunction::silu    ? 3 << (fraction_bits - 1)
         : function == GeluFunction::quick ? 1 << fraction_bits
                                           : 0;
}

// x in [-32767, 32767]; the result is in the same units, between -(0.28 + half a unit) and max(x, 0).
INTVIT_INLINE constexpr std::int16_t gelu(std::int16_t x, int fraction_bits, GeluFunction function) {
  const GeluTail &table = tail_of(function);
  const int magnitude = x < 0 ? -x : x;
  // At most 2^12 + 2^14 or 2^13, so that 16 bits hold it.
  const int folded = gelu_fold_start(function, fraction_bits) + (magnitude >> gelu_fold_shift(function));
  const int place = magnitude < folded ? magnitude : folded;
  const int last = (1 << (fraction_bits + 2)) - 1; // just under 4.0
  const int u = place < last ? place : last;
  const int chord_bits = fraction_bits - 4; // 16 chords a unit
  const auto chord = static_cast<std::size_t>(u >> chord_bits);
  // The position on the chord as a 15-bit fraction; |slope| <= 2048, so the product stays under 2^26.
  const int position = (u & ((1 << chord_bits) - 1)) << (15 - chord_bits);
  const int slope = table[chord + 1] - table[chord];
  const int tail16 = table[chord] + ((slope * position + (1 << 14)) >> 15);
  const int down = 16 - fraction_bits;
  const int tail = (tail16 + (1 << (down - 1))) >> down;
  return static_cast<std::int16_t>((x > 0 ? x : 0) - tail);
}

// To 8-bit codes with a scale and zero point per channel: zero_point + round(g * multiplier / 2^15), ties upward.
// multiplier in [1, 32767]: |g * multiplier| < 2^30.
INTVIT_INLINE constexpr std::int8_t gelu_code(std::int16_t g, std::int16_t multiplier, std::int8_t zero_point) {
  return clamp_to_int8(zero_point + ((g * multiplier + (1 << 14)) >> 15));
}

} // namespace intvit::kernels
