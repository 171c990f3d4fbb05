#include "engine/ops/bounds.hpp"

#include <algorithm>
#include <cstdlib>

#include "kernels/reciprocal.hpp"

namespace intvit {

namespace {

constexpr std::uint64_t limit31 = std::uint64_t{1} << 31;
constexpr std::uint64_t limit63 = std::uint64_t{1} << 63;

std::uint64_t magnitude(std::int64_t value) {
  return value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
}

} // namespace

int accumulator_bounds(const Weights &weights, std::vector<std::uint64_t> &bounds) {
  constexpr std::size_t part = std::size_t{1} << 16;
  const auto columns = static_cast<std::size_t>(weights.in_features);
  std::vector<std::int8_t> decoded; // int8 weights are looked at where they are
  if (weights.format != kernels::WeightFormat::int8) {
    decoded.resize(static_cast<std::size_t>(weights.size()));
    kernels::decode_weights(weights.view(), decoded.data());
  }
  const std::vector<std::int8_t> &values = decoded.empty() ? weights.values : decoded;
  bounds.assign(static_cast<std::size_t>(weights.out_features), 0);
  for (std::size_t n = 0; n < bounds.size(); ++n) {
    const std::int8_t *row = values.data() + n * columns;
    for (std::size_t first = 0; first < columns; first += part) {
      std::uint32_t sum = 0; // of at most 2^16 numbers up to 2^7; 32 bits, so that vectors take many at once
      for (std::size_t k = first; k < std::min(first + part, columns); ++k)
        sum += static_cast<std::uint32_t>(std::abs(int{row[k]}));
      bounds[n] += 128 * std::uint64_t{sum};
    }
    if (bounds[n] >= limit31)
      return static_cast<int>(n);
  }
  return -1;
}

int check_requantization(const RequantizationConstants &constants, const std::vector<std::uint64_t> &bound,
                         const std::vector<std::uint64_t> &extra) {
  for (std::size_t c = 0; c < constants.multiplier.size(); ++c) {
    // bound < 2^31, |multiplier| <= 2^31 and extra <= 2^61: their sum is below 2^63.
    const std::uint64_t products = bound[c] * magnitude(constants.multiplier[c]) + (extra.empty() ? 0 : extra[c]);
    if (products >= limit63 || magnitude(constants.offset[c]) >= limit63 - products)
      return static_cast<int>(c);
  }
  return -1;
}

std::vector<std::uint64_t> residual_bounds(kernels::ElementType type, int shift,
                                           const std::vector<std::int32_t> &multiplier) {
  const std::uint64_t largest = (type == kernels::ElementType::int8 ? std::uint64_t{1} << 7 : std::uint64_t{1} << 15)
                                << shift;
  std::vector<std::uint64_t> bounds(multiplier.size());
  for (std::size_t c = 0; c < bounds.size(); ++c)
    bounds[c] = largest * magnitude(multiplier[c]);
  return bounds;
}

std::uint64_t normalized_bound(int channels) {
  // (C x - S)^2 <= (C - 1) (C Q - S^2); the reciprocal's rounding adds less than one part in 2^28.
  const std::uint64_t root = kernels::integer_sqrt(static_cast<std::uint64_t>(channels)) + 1;
  return (root << kernels::quotient_bits) + 1;
}

bool score_fits(int head_dim, std::int32_t multiplier, int shift, std::uint64_t bias_range) {
  const std::uint64_t largest_distance = (static_cast<std::uint64_t>(head_dim) << 15) + bias_range;
  if (multiplier < 1 || largest_distance > UINT32_MAX)
    return false;
  const std::uint64_t largest =
      largest_distance * static_cast<std::uint64_t>(multiplier) + (std::uint64_t{1} << (shift - 1));
  return largest <= UINT32_MAX;
}

std::uint64_t masking(int head_dim, std::int32_t multiplier, int shift, std::uint64_t bias_range) {
  // A masked score may be above all others by this much, and must then be 255 codes below.
  const std::uint64_t largest_distance = (static_cast<std::uint64_t>(head_dim) << 15) + bias_range;
  const auto factor = static_cast<std::uint64_t>(multiplier);
  return largest_distance + ((std::uint64_t{255} << shift) + factor - 1) / factor;
}

bool last_distance_weighs_nothing(const kernels::ExpTable &exp) {
  // Its code is above 15 where round(sum / exp) >= 1.5 * 2^15, and a row's sum is at least exp[0].
  return exp[0] >= std::uint64_t{49152} * exp[255];
}

bool exp_table_is_valid(const kernels::ExpPolynomial &polynomial, int tokens) {
  const std::uint64_t first = static_cast<std::uint64_t>(polynomial.constant) << polynomial.octaves;
  if (first >= limit31 || first * static_cast<std::uint64_t>(tokens) >= limit31)
    return false;
  const kernels::ExpTable table = kernels::build_exp_table(polynomial);
  for (std::size_t d = 1; d < table.size(); ++d)
    if (table[d] > table[d - 1])
      return false;
  return true;
}

} // namespace intvit
