// Exact arithmetic to check kernels against: 128-bit integers, and division where the kernels shift.
#pragma once

#include <algorithm>
#include <cstdint>

namespace intvit::test {

__extension__ typedef __int128 Int128;

// exponent in 0..126.
constexpr Int128 power_of_two(int exponent) {
  Int128 power = 1;
  for (int i = 0; i < exponent; ++i)
    power *= 2;
  return power;
}

constexpr Int128 absolute(Int128 value) {
  return value < 0 ? -value : value;
}

// The largest integer not above a / b, b > 0.
constexpr Int128 floor_div(Int128 a, Int128 b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

// The integer nearest to a / b, b > 0, ties upward: floor(a / b + 1/2).
constexpr Int128 round_div(Int128 a, Int128 b) {
  return floor_div(2 * a + b, 2 * b);
}

// The largest integer whose square is not above value, by bisection. 0 <= value < 2^124.
constexpr Int128 floor_sqrt(Int128 value) {
  Int128 low = 0;
  Int128 high = power_of_two(62);
  while (high - low > 1) {
    const Int128 middle = (low + high) / 2;
    (middle * middle <= value ? low : high) = middle;
  }
  return low;
}

constexpr std::int64_t clamped(Int128 value, std::int64_t low, std::int64_t high) {
  return static_cast<std::int64_t>(std::clamp<Int128>(value, low, high));
}

} // namespace intvit::test
