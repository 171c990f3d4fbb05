#include "models/import/half.hpp"

#include <bit>
#include <cmath>

#include <catch2/catch.hpp>

namespace intvit {

TEST_CASE("every binary16 value is widened to the number that its fields stand for") {
  int wrong = 0;
  for (unsigned bits = 0; bits < 0x10000; ++bits) {
    const int exponent = static_cast<int>(bits >> 10 & 31U);
    const int mantissa = static_cast<int>(bits & 1023U);
    const float actual = half_to_float(static_cast<std::uint16_t>(bits));
    bool right = std::signbit(actual) == (bits >> 15 != 0);
    if (exponent == 31)
      right = right && (mantissa == 0 ? std::isinf(actual) : std::isnan(actual));
    else if (exponent == 0)
      right = right && std::abs(actual) == std::ldexp(static_cast<float>(mantissa), -24);
    else
      right = right && std::abs(actual) == std::ldexp(static_cast<float>(1024 + mantissa), exponent - 25);
    wrong += right ? 0 : 1;
  }
  CHECK(wrong == 0);
}

TEST_CASE("bfloat16 is the upper half of a float32") {
  CHECK(bfloat16_to_float(0x3F80) == 1.0F);
  CHECK(bfloat16_to_float(0xC049) == -3.140625F);
  CHECK(bfloat16_to_float(0x0001) == std::ldexp(1.0F, -133));
  CHECK(std::isinf(bfloat16_to_float(0x7F80)));
  CHECK(std::isnan(bfloat16_to_float(0x7FC0)));
}

} // namespace intvit
