// Requantization: from an accumulator to the next tensor's codes, by one multiply, one add and one shift in 64 bits.
// Every operation of the engine that changes a scale does it with this one formula (docs/numerics.md,
// "Requantization").
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/inline.hpp"

namespace intvit::kernels {

// Limits of `shift`. From 32 on, all bits of a result come from the upper half of its 64-bit sum, so vectors of 32-bit
// lanes take these halves and shift them by the rest.
inline constexpr int min_shift = 32;
inline constexpr int max_shift = 62;

// Per-channel parameters of a requantization; the arrays have one entry an output channel.
struct Requantization {
  const std::int32_t *multiplier = nullptr;
  // Bias, zero point and the rounding constant 2^(shift-1), all in units of 2^-shift of an output code.
  const std::int64_t *offset = nullptr;
  int shift = min_shift;
};

// floor((accumulator * multiplier + offset) / 2^shift). With 2^(shift-1) inside the offset this rounds to nearest, ties
// upward.
// Requires |accumulator| * |multiplier| + |offset| < 2^63 (proven at load for every channel, see engine/graph/bounds)
// and shift >= 32: then the sum does not overflow and the result fits 32 bits.
INTVIT_INLINE constexpr std::int32_t requantize(std::int32_t accumulator, std::int32_t multiplier, std::int64_t offset,
                                                int shift) {
  const std::int64_t product = std::int64_t{accumulator} * multiplier;
  return static_cast<std::int32_t>((product + offset) >> shift);
}

INTVIT_INLINE constexpr std::int32_t clamp(std::int32_t value, std::int32_t low, std::int32_t high) {
  return value < low ? low : (value > high ? high : value);
}

// To the 8-bit codes that feed a matrix product.
INTVIT_INLINE constexpr std::int8_t clamp_to_int8(std::int32_t value) {
  return static_cast<std::int8_t>(clamp(value, -128, 127));
}

// Symmetric, so that the absolute value of a 16-bit code is a 16-bit code.
INTVIT_INLINE constexpr std::int16_t clamp_to_int16(std::int32_t value) {
  return static_cast<std::int16_t>(clamp(value, -32767, 32767));
}

} // namespace intvit::kernels
