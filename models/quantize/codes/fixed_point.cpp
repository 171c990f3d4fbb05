#include "models/quantize/codes/fixed_point.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "kernels/requantize.hpp"

namespace intvit {

namespace {

constexpr double largest_multiplier = 2147483647.0;

// The largest shift up to `limit` at which `value` still fits 31 bits.
int fitting_shift(double value, int limit) {
  int shift = limit;
  while (shift > 0 && std::round(std::ldexp(value, shift)) > largest_multiplier)
    --shift;
  return shift;
}

std::int64_t to_int64(double value) {
  if (!(std::abs(value) < 4e18))
    throw std::runtime_error("a bias is too large for the scale of its output");
  return std::llround(value);
}

} // namespace

FixedPoint fixed_point(const Eigen::ArrayXd &factor, const Eigen::ArrayXd &addend, int max_shift) {
  FixedPoint result;
  result.shift = fitting_shift(factor.abs().maxCoeff(), std::min(max_shift, kernels::max_shift));
  if (result.shift < kernels::min_shift)
    throw std::runtime_error("a requantization factor is 0.5 or more: the output's scale is too fine for its input");
  const std::int64_t half = std::int64_t{1} << (result.shift - 1);
  for (Eigen::Index c = 0; c < factor.size(); ++c) {
    result.multiplier.push_back(static_cast<std::int32_t>(std::lround(std::ldexp(factor[c], result.shift))));
    result.offset.push_back(to_int64(std::ldexp(addend[c], result.shift)) + half);
  }
  return result;
}

ResidualFixedPoint residual_fixed_point(const Eigen::ArrayXd &factor, const Eigen::ArrayXd &stream_factor,
                                        const Eigen::ArrayXd &zero_point, const Eigen::ArrayXd &addend,
                                        int max_residual_shift) {
  // stream_factor * 2^shift = multiplier * 2^residual_shift must fit 31 + max_residual_shift bits.
  const double largest = stream_factor.abs().maxCoeff();
  const int max_shift = max_residual_shift + fitting_shift(largest, 62);
  ResidualFixedPoint result;
  result.requantization = fixed_point(factor, addend, std::min(max_shift, 44));
  const int total = result.requantization.shift;
  result.shift = std::clamp(total - fitting_shift(largest, 62), 0, max_residual_shift);
  for (Eigen::Index c = 0; c < stream_factor.size(); ++c) {
    const auto multiplier = static_cast<std::int32_t>(std::lround(std::ldexp(stream_factor[c], total - result.shift)));
    result.multiplier.push_back(multiplier);
    // With the rounded multiplier, so that a code equal to its zero point adds exactly nothing.
    result.requantization.offset[static_cast<std::size_t>(c)] -=
        to_int64(std::ldexp(static_cast<double>(multiplier), result.shift) * zero_point[c]);
  }
  return result;
}

} // namespace intvit
