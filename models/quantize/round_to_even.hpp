#pragma once

namespace intvit {

// std::nearbyint() in the default rounding mode for |x| < 2^51, without the call that it is on some machines: adding
// 1.5 * 2^52 leaves no place for a fraction.
inline double round_to_even(double x) {
  constexpr double no_fraction = 6755399441055744.0;
  return (x + no_fraction) - no_fraction;
}

} // namespace intvit
