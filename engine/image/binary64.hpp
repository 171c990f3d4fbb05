// The arithmetic of IEEE 754's binary64 format (round to nearest, ties to even) in integers.
//
// Pillow computes resize weights in this format, and timm computes the size to resize to. Their rounding errors decide
// which pixels a box filter includes (for 9 % of the pairs of sizes up to 1000) and sometimes the last bit of a weight.
// Repeating each of their steps with the same rounding gives the same weights for every pair of sizes, on every machine
// and with any compiler flags. It runs once for each row and column of weights, not for each pixel. A general library
// such as Berkeley SoftFloat could do the same, but has many times as much code.
//
// This file implements only what those formulas need: no infinities, NaNs, subnormal numbers or negative zero. The
// exponent has the range of an int, which makes no difference while results stay between 2^-1022 and 2^1024 in
// magnitude.
#pragma once

#include <cstdint>

namespace intvit {

// (-1)^negative * significand * 2^exponent. The significand is 0 or has exactly 53 bits. Zero has no sign.
struct Binary64 {
  bool negative = false;
  int exponent = 0;
  std::uint64_t significand = 0;

  bool is_zero() const { return significand == 0; }
};

// value * 2^exponent, exactly. Requires |value| <= 2^53.
Binary64 binary64(std::int64_t value, int exponent = 0);

// (-1)^negative * significand * 2^exponent rounded to 53 bits.
Binary64 rounded(bool negative, std::uint64_t significand, int exponent);

Binary64 operator-(Binary64 value);
Binary64 operator+(Binary64 left, Binary64 right);
Binary64 operator-(Binary64 left, Binary64 right);
Binary64 operator*(Binary64 left, Binary64 right);
// Requires a divisor other than 0.
Binary64 operator/(Binary64 left, Binary64 right);

bool operator<(Binary64 left, Binary64 right);
inline bool operator<=(Binary64 left, Binary64 right) {
  return !(right < left);
}

// The integer part: rounds toward zero. Requires |value| < 2^31.
std::int32_t truncate(Binary64 value);

// The sine. Before the rounding its error is below 2^-58 times the value, so where |sine| >= 1/2 the result is the
// nearest number or, rarely, its neighbour. Requires |value| < 10.
Binary64 sine(Binary64 value);

} // namespace intvit
