#include "tests/kernels/constants.hpp"

#include <bit>
#include <cmath>
#include <cstring>

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

Constants random_constants(Random &random, std::size_t channels, std::int64_t bound, std::int64_t spread) {
  Constants constants;
  constants.shift = random.between(32, 63 - static_cast<int>(std::bit_width(2 * static_cast<std::uint64_t>(spread))));
  const Int128 unit = power_of_two(constants.shift);
  const std::int64_t largest_multiplier = clamped(spread * unit / bound, 1, 2147483647);
  const auto largest_offset = static_cast<std::int64_t>(spread * unit);
  for (std::size_t c = 0; c < channels; ++c) {
    constants.multiplier.push_back(static_cast<std::int32_t>(random.between(-largest_multiplier, largest_multiplier)));
    constants.offset.push_back(random.between(-largest_offset, largest_offset));
  }
  return constants;
}

std::vector<std::int32_t> residual_multipliers(Random &random, const Constants &constants, std::int64_t bound,
                                               std::int64_t stream_bound) {
  std::vector<std::int32_t> multipliers;
  for (std::size_t c = 0; c < constants.multiplier.size(); ++c) {
    const Int128 used =
        Int128{bound} * absolute(Int128{constants.multiplier[c]}) + absolute(Int128{constants.offset[c]});
    const Int128 room = std::min(power_of_two(63) - 1 - used, 300 * power_of_two(constants.shift));
    const auto most = static_cast<std::int32_t>(std::clamp<Int128>(room / stream_bound, 0, INT32_MAX));
    multipliers.push_back(random.between(-most, most));
  }
  return multipliers;
}

std::int64_t spread_beyond(kernels::ElementType type) {
  return type == kernels::ElementType::int8 ? 300 : type == kernels::ElementType::int16 ? 40'000 : 1'000'000;
}

std::int64_t stored(Int128 result, kernels::ElementType type) {
  if (type == kernels::ElementType::int8)
    return clamped(result, -128, 127);
  if (type == kernels::ElementType::int16)
    return clamped(result, -32767, 32767);
  return static_cast<std::int64_t>(result);
}

namespace {

template <typename T> std::vector<std::int64_t> read_as(const std::vector<std::byte> &bytes) {
  std::vector<T> values(bytes.size() / sizeof(T));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return {values.begin(), values.end()};
}

} // namespace

std::vector<std::int64_t> read_codes(const std::vector<std::byte> &bytes, kernels::ElementType type) {
  return type == kernels::ElementType::int8    ? read_as<std::int8_t>(bytes)
         : type == kernels::ElementType::int16 ? read_as<std::int16_t>(bytes)
                                               : read_as<std::int32_t>(bytes);
}

} // namespace intvit::test
