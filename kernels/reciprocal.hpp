// Division of a whole row by one number, as a multiplication: LayerNorm divides by a standard deviation, attention by
// the sum of its weights, L2 normalization by a length (docs/numerics.md, "Division by a row's constant").
#pragma once

#include <bit>
#include <cstdint>

#include "kernels/inline.hpp"

#include "kernels/requantize.hpp"

namespace intvit::kernels {

// Fraction bits of a quotient.
inline constexpr int quotient_bits = 16;

// floor(sqrt(value)): Newton's iteration in integers on `value` brought to [2^62, 2^64), each step of which doubles the
// bits of the root, from 2 to 32. Every approximation is less than one unit off, so one correction at the end suffices
// (M. Dickinson's proof for CPython's math.isqrt).
INTVIT_INLINE constexpr std::uint32_t integer_sqrt(std::uint64_t value) {
  if (value == 0)
    return 0;
  const int left = std::countl_zero(value) & ~1;
  const std::uint64_t n = value << left;
  auto root = static_cast<std::uint32_t>(1 + (n >> 62));
  root = (root << 1) + static_cast<std::uint32_t>(n >> 59) / root;
  root = (root << 3) + static_cast<std::uint32_t>(n >> 53) / root;
  root = (root << 7) + static_cast<std::uint32_t>(n >> 41) / root;
  const std::uint64_t close = (std::uint64_t{root} << 15) + (n >> 17) / root; // at most 2^32
  // close^2 - 1 is right where close^2 = 2^64 does not fit.
  const std::uint64_t exact = close - (close * close - 1 >= n ? 1 : 0);
  return static_cast<std::uint32_t>(exact >> (left / 2));
}

// Stands for 2^16 / divisor: quotient(n) = n * factor / 2^shift, rounded.
struct Reciprocal {
  std::int32_t factor = 0; // in [2^29, 2^30]: 30 significant bits
  int shift = 0;           // in [14, 44]
};

// NOLINT below: a divisor in [2^30, 2^32) is not 0, but the analyzer does not follow the shift or the root.

// 2^16 / divisor, for 1 <= divisor < 2^31. The divisor is brought to [2^30, 2^31) first, so 2^60 / it has 30 bits.
INTVIT_INLINE constexpr Reciprocal reciprocal(std::uint32_t divisor) {
  const int left = std::countl_zero(divisor) - 1;
  const std::uint32_t brought = divisor << left;
  return {static_cast<std::int32_t>((std::uint64_t{1} << 60) / brought), // NOLINT(clang-analyzer-core.DivideZero)
          60 - quotient_bits - left};
}

// 2^16 / sqrt(square), for 1 <= square < 2^62. The square is brought to [2^60, 2^62) by an even shift, so that its root
// has 31 bits whatever its size.
INTVIT_INLINE constexpr Reciprocal reciprocal_sqrt(std::uint64_t square) {
  const int left = (std::countl_zero(square) - 2) & ~1;
  const std::uint32_t root = integer_sqrt(square << left);
  return {static_cast<std::int32_t>((std::uint64_t{1} << 60) / root), // NOLINT(clang-analyzer-core.DivideZero)
          60 - quotient_bits - left / 2};
}

// n / divisor with 16 fraction bits, rounded to nearest, ties upward. |n| < 2^31 and factor <= 2^30, so the product
// stays under 2^61. The caller's bound on the quotient must keep the result inside 32 bits.
INTVIT_INLINE constexpr std::int32_t quotient(std::int32_t n, Reciprocal by) {
  const std::int64_t product = std::int64_t{n} * by.factor;
  return static_cast<std::int32_t>((product + (std::int64_t{1} << (by.shift - 1))) >> by.shift);
}

} // namespace intvit::kernels
