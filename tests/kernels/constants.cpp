#include "tests/kernels/constants.hpp"

#include <cmath>

namespace intvit::test {

Int128 Constants::exact(Int128 accumulator, std::size_t c, Int128 addend) const {
  return floor_div(accumulator * multiplier[c] + addend + offset[c], power_of_two(shift));
}

Constants constants_for(const std::vector<double> &factor, const std::vector<double> &addend) {
  double largest = 0;
  for (const double value : factor)
    largest = std::max(largest, std::abs(value));
  Constants constants;
  constants.shift = 50;
  while (std::ldexp(largest, constants.shift) >= 2147483647.0)
    --constants.shift;
  for (std::size_t c = 0; c < factor.size(); ++c) {
    constants.multiplier.push_back(static_cast<std::int32_t>(std::lround(std::ldexp(factor[c], constants.shift))));
    constants.offset.push_back(std::llround(std::ldexp(addend[c] + 0.5, constants.shift)));
  }
  return constants;
}

Constants random_constants(Random &random, std::size_t channels, std::int64_t bound) {
  Constants constants;
  constants.shift = random.between(32, 53);
  const Int128 unit = power_of_two(constants.shift);
  const std::int64_t largest_multiplier = clamped(300 * unit / bound, 1, 2147483647);
  const auto largest_offset = static_cast<std::int64_t>(300 * unit);
  for (std::size_t c = 0; c < channels; ++c) {
    constants.multiplier.push_back(static_cast<std::int32_t>(random.between(-largest_multiplier, largest_multiplier)));
    constants.offset.push_back(random.between(-largest_offset, largest_offset));
  }
  return constants;
}

} // namespace intvit::test
