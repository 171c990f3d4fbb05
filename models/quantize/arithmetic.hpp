// Real arithmetic whose bits do not depend on the machine: what the quantizer needs in its inner loops and cannot take
// from a mathematical library.
#pragma once

#include <algorithm>
#include <cmath>

#include "models/quantize/round_to_even.hpp"

namespace intvit {

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
