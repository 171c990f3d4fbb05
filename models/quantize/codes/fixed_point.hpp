// Turns real factors into the integers of kernels/requantize.hpp and kernels/residual.hpp.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/reciprocal.hpp"
#include "models/architectures/weights.hpp"

namespace intvit {

// The value of 1 in a quotient, which has that many fraction bits (kernels/reciprocal.hpp).
inline constexpr double quotient_unit = 1.0 / (1 << kernels::quotient_bits);

struct FixedPoint {
  std::vector<std::int32_t> multiplier;
  std::vector<std::int64_t> offset;
  int shift = 0;
};

// The requantization y = accumulator * factor[c] + addend[c], rounded to nearest. `shift` is the largest at which every
// multiplier fits 31 bits and that is not above `max_shift`. Throws std::runtime_error where a factor is too large (0.5
// or more) or the addend does not fit.
FixedPoint fixed_point(const Eigen::ArrayXd &factor, const Eigen::ArrayXd &addend, int max_shift = 50);

struct ResidualFixedPoint {
  FixedPoint requantization;
  std::vector<std::int32_t> multiplier;
  int shift = 0;
};

// The residual addition y = accumulator * factor[c] + (code - zero_point[c]) * stream_factor[c] + addend[c].
// `max_residual_shift` as kernels::max_residual_shift().
ResidualFixedPoint residual_fixed_point(const Eigen::ArrayXd &factor, const Eigen::ArrayXd &stream_factor,
                                        const Eigen::ArrayXd &zero_point, const Eigen::ArrayXd &addend,
                                        int max_residual_shift);

} // namespace intvit
