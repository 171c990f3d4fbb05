#include "tests/kernels/fqvit.hpp"

#include <algorithm>
#include <cmath>

namespace intvit::test {

namespace {

constexpr double quadratic = 0.35815147;
constexpr double linear = 0.96963238;
constexpr int octaves = 30;

double negative_octave_units(double scale) {
  return std::floor(-0.6931 / scale);
}

} // namespace

double fqvit_octave(double x, double scale) {
  const double x0 = negative_octave_units(scale);
  return std::floor(std::max(x, octaves * x0) / x0);
}

double fqvit_exp(double x, double scale) {
  const double x0 = negative_octave_units(scale);
  const double octave = fqvit_octave(x, scale);
  const double rest = std::max(x, octaves * x0) - x0 * octave;
  const double polynomial =
      rest * (rest + std::floor(linear / quadratic / scale)) + std::floor(1 / quadratic / (scale * scale));
  return std::max(0.0, std::floor(polynomial * std::exp2(octaves - octave)));
}

int fqvit_code(double sum, double exp) {
  const double ratio = std::nearbyint(sum / exp); // ties to even
  const double floor_log2 = std::floor(std::log2(ratio));
  const double rest = ratio - std::exp2(floor_log2);
  return static_cast<int>(rest >= std::exp2(floor_log2 - 1) ? floor_log2 + 1 : floor_log2);
}

int exact_code(Int128 sum, Int128 exp) {
  if (exp == 0)
    return kernels::no_log_int_softmax_code;
  const Int128 ratio = round_div(sum, exp);
  int k = 0;
  while (power_of_two(k + 1) <= ratio)
    ++k;
  return 2 * ratio >= 3 * power_of_two(k) ? k + 1 : k;
}

kernels::ExpPolynomial fqvit_polynomial(double scale, int octaves_kept) {
  return {.units_per_octave = static_cast<std::int32_t>(-negative_octave_units(scale)),
          .linear = static_cast<std::int32_t>(std::floor(linear / quadratic / scale)),
          .constant = static_cast<std::int32_t>(std::floor(1 / quadratic / (scale * scale))),
          .octaves = octaves_kept};
}

} // namespace intvit::test
