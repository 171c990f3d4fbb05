#include "engine/image/binary64.hpp"

#include <cassert>
#include <utility>

#include "engine/image/wide.hpp"

namespace intvit {
namespace {

constexpr int significand_bits = 53;

// Rounds to nearest, ties to even. `inexact` says that the exact value lies strictly between `significand` and the next
// integer. Then significand must have at least 55 bits: setting its lowest bit is enough to tell it from a tie.
Binary64 round_wide(bool negative, Wide significand, int exponent, bool inexact) {
  if (significand == 0)
    return {};
  if (inexact)
    significand = significand | 1;
  const int excess = wide_bit_width(significand) - significand_bits;
  if (excess <= 0)
    return {negative, exponent + excess, static_cast<std::uint64_t>(significand) << -excess};
  const Wide half = Wide{1} << (excess - 1);
  const Wide rest = significand & ((half << 1) - 1);
  auto kept = static_cast<std::uint64_t>(significand >> excess);
  if (rest > half || (rest == half && (kept & 1) != 0))
    ++kept;
  exponent += excess;
  if (kept >> significand_bits != 0) {
    kept >>= 1;
    ++exponent;
  }
  return {negative, exponent, kept};
}

} // namespace

Binary64 binary64(std::int64_t value, int exponent) {
  const bool negative = value < 0;
  const auto magnitude = static_cast<std::uint64_t>(negative ? -value : value);
  assert(magnitude <= std::uint64_t{1} << significand_bits);
  return rounded(negative, magnitude, exponent);
}

Binary64 rounded(bool negative, std::uint64_t significand, int exponent) {
  return round_wide(negative, significand, exponent, false);
}

Binary64 operator-(Binary64 value) {
  value.negative = !value.is_zero() && !value.negative;
  return value;
}

Binary64 operator+(Binary64 left, Binary64 right) {
  if (left.is_zero())
    return right;
  if (right.is_zero())
    return left;
  if (left.exponent < right.exponent)
    std::swap(left, right);
  // 64 guard bits below the larger operand. The bits that the smaller one loses below them can only break ties. It
  // loses bits only if it is at least 2^64 times smaller, and then the sum keeps 116 bits or more.
  constexpr int guard_bits = 64;
  const int distance = left.exponent - right.exponent;
  const Wide large = Wide{left.significand} << guard_bits;
  const Wide unshifted = Wide{right.significand} << guard_bits;
  Wide small = distance < 128 ? unshifted >> distance : 0;
  const bool inexact = distance >= 128 || small << distance != unshifted;
  const int exponent = left.exponent - guard_bits;
  if (left.negative == right.negative)
    return round_wide(left.negative, large + small, exponent, inexact);
  // The exact difference lies between large - small - 1 and large - small where bits were lost.
  if (inexact)
    small = small + 1;
  if (large >= small)
    return round_wide(left.negative, large - small, exponent, inexact);
  return round_wide(right.negative, small - large, exponent, inexact);
}

Binary64 operator-(Binary64 left, Binary64 right) {
  return left + -right;
}

Binary64 operator*(Binary64 left, Binary64 right) {
  return round_wide(left.negative != right.negative, Wide{left.significand} * right.significand,
                    left.exponent + right.exponent, false);
}

Binary64 operator/(Binary64 left, Binary64 right) {
  assert(!right.is_zero());
  // The quotient has 64 or 65 bits.
  const Wide dividend = Wide{left.significand} << 64;
  const Wide quotient = dividend / right.significand;
  return round_wide(left.negative != right.negative, quotient, left.exponent - right.exponent - 64,
                    quotient * right.significand != dividend);
}

bool operator<(Binary64 left, Binary64 right) {
  return (left - right).negative;
}

std::int32_t truncate(Binary64 value) {
  if (value.is_zero() || value.exponent <= -significand_bits)
    return 0;
  assert(value.exponent <= 31 - significand_bits);
  const auto magnitude = static_cast<std::int32_t>(value.significand >> -value.exponent);
  return value.negative ? -magnitude : magnitude;
}

Binary64 sine(Binary64 value) {
  // Fixed point with 60 fractional bits. pi is rounded to the nearest.
  constexpr int bits = 60;
  constexpr std::uint64_t pi = 0x3243F6A8885A308D;
  assert(value < binary64(10) && binary64(-10) < value);
  if (value.is_zero())
    return {};

  // The value's magnitude is turns * pi +- remainder with remainder <= pi / 2. Values of 2^-8 or more are exact in
  // fixed point; smaller ones (turns = 0) lose bits, but only their square is computed from fixed point.
  const int shift = value.exponent + bits;
  const std::uint64_t fixed = shift >= 0 ? value.significand << shift : shift > -64 ? value.significand >> -shift : 0;
  const std::uint64_t turns = (fixed + pi / 2) / pi;
  const std::uint64_t multiple = turns * pi;
  const bool below = fixed < multiple;
  const std::uint64_t remainder = below ? multiple - fixed : fixed - multiple;
  const bool negative = (value.negative != below) != (turns % 2 != 0);

  // sin(r) / r = 1 - r^2/(2*3) (1 - r^2/(4*5) (1 - ...)) in fixed point with 62 fractional bits. r^2 < 2.5, so a
  // product is below 2.5 * 2^62 < 2^64, and every bracket lies in (0, 1]. The first term left out is below 2.5^13/27! <
  // 2^-76.
  constexpr int ratio_bits = 62;
  const auto square = static_cast<std::uint64_t>((Wide{remainder} * remainder) >> bits);
  std::uint64_t ratio = std::uint64_t{1} << ratio_bits;
  for (std::uint64_t n = 24; n > 0; n -= 2)
    ratio =
        (std::uint64_t{1} << ratio_bits) - static_cast<std::uint64_t>((Wide{square} * ratio) >> bits) / (n * (n + 1));

  if (turns == 0)
    return round_wide(negative, Wide{value.significand} * ratio, value.exponent - ratio_bits, false);
  return round_wide(negative, Wide{remainder} * ratio, -bits - ratio_bits, false);
}

} // namespace intvit
