#include "models/import/half.hpp"

#include <bit>

namespace intvit {

float half_to_float(std::uint16_t bits) {
  const std::uint32_t sign = (bits & 0x8000U) << 16;
  const std::uint32_t magnitude = bits & 0x7FFFU;
  // Infinity and NaN keep their mantissa under float32's highest exponent.
  if (magnitude >= 0x7C00U)
    return std::bit_cast<float>(sign | 0x7F800000U | (magnitude << 13));
  // The fields in float32's place stand for the value times 2^(15 - 127), subnormal numbers included.
  const float value = std::bit_cast<float>(magnitude << 13) * 0x1p112F;
  return sign != 0 ? -value : value;
}

float bfloat16_to_float(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

} // namespace intvit
