// The two 16-bit floating-point types of weight files, widened to float32. Every value is exact; NaN stays NaN.
#pragma once

#include <cstdint>

namespace intvit {

float half_to_float(std::uint16_t bits);     // IEEE 754 binary16: 1 sign, 5 exponent, 10 mantissa bits
float bfloat16_to_float(std::uint16_t bits); // the upper half of a float32

} // namespace intvit
