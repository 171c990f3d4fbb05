// Real arithmetic whose bits do not depend on the machine, for the quantizer's inner loops. Mathematical libraries
// differ in the last bit.
#pragma once

#include <algorithm>
#include <cmath>

namespace intvit {

// std::nearbyint() in the default rounding mode for |x| < 2^51. That is a function call on some machines; here adding
// 1.5 * 2^52 leaves no bits for a fraction, so that the addition rounds.
inline double round_to_even(double x) {
  constexpr double no_fraction = 6755399441055744.0;
  return (x + no_fraction) - no_fraction;
}

// The integer in [low, high] that is nearest to `value`.
inline double clamped_code(double value, double low, double high) {
  return round_to_even(std::clamp(value, low, high));
}

// base^exponent for base >= 0 and 0 <= exponent <= 1, by square roots, which are rounded correctly everywhere. The
// exponent counts to 2^-30.
inline double fractional_power(double base, double exponent) {
  if (exponent >= 1.0)
    return base;
  double power = 1.0;
  double root = base;
  for (int bit = 0; bit < 30 && exponent > 0; ++bit) {
    root = std::sqrt(root);
    exponent *= 2;
    if (exponent >= 1.0) {
      power *= root;
      exponent -= 1.0;
    }
  }
  return power;
}

} // namespace intvit
