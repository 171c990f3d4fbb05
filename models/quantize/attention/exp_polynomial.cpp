#include "models/quantize/attention/exp_polynomial.hpp"

#include <cmath>
#include <numbers>

#include "engine/ops/bounds.hpp"

namespace intvit {

int units_per_octave(kernels::Softmax softmax) {
  return softmax == kernels::Softmax::int8 ? 32 : 16;
}

kernels::ExpPolynomial exp_polynomial(kernels::Softmax softmax, int tokens) {
  // I-BERT's polynomial (arXiv 2101.01321): exp(r) = 0.35815147 r^2 + 0.96963238 r + 1 for r in (-ln 2, 0].
  constexpr double quadratic = 0.35815147;
  constexpr double linear = 0.96963238;
  kernels::ExpPolynomial polynomial;
  polynomial.units_per_octave = units_per_octave(softmax);
  const double step = std::numbers::ln2 / polynomial.units_per_octave;
  polynomial.linear = static_cast<std::int32_t>(std::floor(linear / quadratic / step));
  polynomial.constant = static_cast<std::int32_t>(std::floor(1 / quadratic / (step * step)));
  polynomial.octaves = 16;
  while (polynomial.octaves > 0 && !exp_table_is_valid(polynomial, tokens))
    --polynomial.octaves;
  return polynomial;
}

} // namespace intvit
