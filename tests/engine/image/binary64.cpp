// The integer implementation of binary64 against the machine's own.
#include "engine/image/binary64.hpp"

#include <cmath>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/engine/image/pictures.hpp"

using namespace intvit;
using intvit::test::Lcg;

namespace {

double native(Binary64 value) {
  const double magnitude = std::ldexp(static_cast<double>(value.significand), value.exponent);
  return value.negative ? -magnitude : magnitude;
}

bool is_normalized(Binary64 value) {
  return value.is_zero() ? !value.negative : value.significand >> 52 == 1;
}

// Numbers that provoke ties, carries, cancellation and lost bits: few or many ones, near or distant exponents.
Binary64 random_number(Lcg &lcg) {
  std::uint64_t bits = static_cast<std::uint64_t>(lcg.word()) << 32 | lcg.word();
  switch (lcg.byte() % 4) {
  case 0:
    bits &= static_cast<std::uint64_t>(lcg.word()) << 32 | lcg.word();
    bits &= static_cast<std::uint64_t>(lcg.word()) << 32 | lcg.word();
    break;
  case 1:
    bits |= static_cast<std::uint64_t>(lcg.word()) << 32 | lcg.word();
    bits |= static_cast<std::uint64_t>(lcg.word()) << 32 | lcg.word();
    break;
  case 2:
    bits &= 7;
    break;
  default:
    break;
  }
  bits &= (std::uint64_t{1} << 53) - 1;
  const int exponent = lcg.byte() % 2 == 0 ? lcg.between(-3, 3) : lcg.between(-130, 130);
  return rounded(lcg.byte() % 2 != 0, bits, exponent);
}

} // namespace

TEST_CASE("binary64: integers times powers of two are exact") {
  CHECK(native(binary64(0)) == 0.0);
  CHECK(native(binary64(-7, -2)) == -1.75);
  CHECK(native(binary64((std::int64_t{1} << 53) - 1)) == 9007199254740991.0);
  CHECK(native(binary64(std::int64_t{1} << 53, 10)) == std::ldexp(1.0, 63));
}

TEST_CASE("binary64: numbers of more than 53 bits round to nearest, ties to even") {
  CHECK(native(rounded(false, (std::uint64_t{1} << 54) + 1, 0)) == std::ldexp(1.0, 54));
  CHECK(native(rounded(false, (std::uint64_t{1} << 54) + 2, 0)) == std::ldexp(1.0, 54));
  CHECK(native(rounded(false, (std::uint64_t{1} << 54) + 6, 0)) == std::ldexp(1.0, 54) + 8);
  CHECK(native(rounded(true, ~std::uint64_t{0}, 0)) == -std::ldexp(1.0, 64));
}

TEST_CASE("binary64: sums, differences, products and quotients equal the machine's") {
  Lcg lcg(64);
  int wrong = 0;
  for (int i = 0; i < 2'000'000; ++i) {
    const Binary64 a = random_number(lcg);
    const Binary64 b = random_number(lcg);
    const Binary64 sum = a + b;
    const Binary64 difference = a - b;
    const Binary64 product = a * b;
    const bool ok = native(sum) == native(a) + native(b) && native(difference) == native(a) - native(b) &&
                    native(product) == native(a) * native(b) && (a < b) == (native(a) < native(b)) &&
                    (a <= b) == (native(a) <= native(b)) && is_normalized(sum) && is_normalized(difference) &&
                    is_normalized(product) && (b.is_zero() || native(a / b) == native(a) / native(b));
    wrong += ok ? 0 : 1;
  }
  CHECK(wrong == 0);
}

TEST_CASE("binary64: truncation rounds toward zero") {
  for (const double value :
       {0.0, 0.25, 0.999999, 1.0, 1.5, 65535.75, 2147483647.5, -0.5, -1.0, -3.75, -2147483647.25}) {
    const Binary64 exact = binary64(static_cast<std::int64_t>(value * 1048576), -20);
    REQUIRE(std::abs(native(exact) - value) < 1e-5);
    CHECK(truncate(exact) == static_cast<std::int32_t>(native(exact)));
  }
}

TEST_CASE("binary64: the sine is within the last bit of the math library's") {
  Lcg lcg(7);
  int different = 0;
  const int count = 200'000;
  for (int i = 0; i < count; ++i) {
    const int scale = i % 2 == 0 ? 0 : -lcg.between(0, 40);
    const Binary64 x = binary64(lcg.between(-9'899'999, 9'899'999), scale) / binary64(1'000'003);
    const double expected = std::sin(native(x));
    const double ours = native(sine(x));
    // Near a multiple of pi the result is small and only its absolute error is bounded.
    const double spacing = std::nextafter(std::abs(expected), 10.0) - std::abs(expected);
    REQUIRE(std::abs(ours - expected) <= std::max(spacing, std::abs(native(x)) * 0x1p-57));
    different += ours != expected ? 1 : 0;
  }
  CHECK(sine(binary64(0)).is_zero());
  INFO(different << " of " << count << " differ");
  CHECK(different < count / 20);
}
