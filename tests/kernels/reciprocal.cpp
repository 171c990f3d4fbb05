// Reciprocals and quotients against rational arithmetic, with the error bounds that docs/numerics.md states.
#include "kernels/reciprocal.hpp"

#include <catch2/catch.hpp>

#include "tests/kernels/exact.hpp"
#include "tests/kernels/random.hpp"

using namespace intvit::kernels;
using namespace intvit::test;

namespace {

constexpr std::uint32_t largest_divisor = (std::uint32_t{1} << 31) - 1;
constexpr std::uint64_t largest_square = (std::uint64_t{1} << 62) - 1;

bool in_range(Reciprocal by) {
  return by.factor >= (1 << 29) && by.factor <= (1 << 30) && by.shift >= 14 && by.shift <= 44;
}

// factor is the floor of 2^(16 + shift) / divisor; having 30 bits, it is less than one part in 2^29 too small.
void check_reciprocal(std::uint32_t divisor) {
  const Reciprocal by = reciprocal(divisor);
  const Int128 wanted = power_of_two(16 + by.shift);
  if (!in_range(by) || by.factor * Int128{divisor} > wanted || (by.factor + Int128{1}) * divisor <= wanted)
    FAIL("reciprocal(" << divisor << ") = " << by.factor << " / 2^" << by.shift);
}

// (1 - 2^-29)^2 < factor^2 * square / 2^(2 shift + 32) < (1 + 2^-30)^2, multiplied by 2^(2 shift + 32).
void check_reciprocal_sqrt(std::uint64_t square) {
  const Reciprocal by = reciprocal_sqrt(square);
  REQUIRE(in_range(by));
  const Int128 actual = Int128{by.factor} * by.factor * square;
  const int bits = 2 * by.shift + 32;
  const Int128 low = power_of_two(bits) - power_of_two(bits - 28) + power_of_two(bits - 58);
  const Int128 high = power_of_two(bits) + power_of_two(bits - 29) + power_of_two(bits - 60);
  if (actual <= low || actual >= high)
    FAIL("reciprocal_sqrt(" << square << ") = " << by.factor << " / 2^" << by.shift);
}

// |quotient - n 2^16 / divisor| <= 1/2 + |n| 2^16 / divisor * 2^-29, multiplied by divisor * 2^13.
void check_quotient(std::int32_t n, std::uint32_t divisor) {
  const Reciprocal by = reciprocal(divisor);
  const std::int32_t actual = quotient(n, by);
  const Int128 error = absolute(Int128{actual} * divisor - Int128{n} * power_of_two(16));
  if (error * power_of_two(13) > divisor * power_of_two(12) + absolute(n) ||
      actual != round_div(Int128{n} * by.factor, power_of_two(by.shift)))
    FAIL(n << " / " << divisor << " = " << actual << " / 2^16");
}

// The largest |n| whose quotient by `divisor` stays inside 32 bits.
std::int64_t largest_numerator(std::uint32_t divisor) {
  return clamped(Int128{divisor} * 32767, 0, largest_divisor);
}

} // namespace

TEST_CASE("reciprocal: the floor of a 30-bit inverse") {
  for (std::uint32_t divisor = 1; divisor <= 100'000; ++divisor)
    check_reciprocal(divisor);
  for (int bit = 1; bit < 31; ++bit)
    for (std::uint32_t below = 0; below <= 2; ++below)
      check_reciprocal((std::uint32_t{1} << bit) + 1 - below);
  check_reciprocal(largest_divisor);
  Random random(1);
  for (int round = 0; round < 500'000; ++round)
    check_reciprocal(random.between(std::uint32_t{1}, largest_divisor >> random.between(0, 30)));
}

TEST_CASE("reciprocal_sqrt: within one part in 2^29 of the real inverse") {
  for (std::uint64_t square = 1; square <= 100'000; ++square)
    check_reciprocal_sqrt(square);
  for (int bit = 1; bit < 62; ++bit)
    for (std::uint64_t below = 0; below <= 2; ++below)
      check_reciprocal_sqrt((std::uint64_t{1} << bit) + 1 - below);
  check_reciprocal_sqrt(largest_square);
  Random random(2);
  for (int round = 0; round < 500'000; ++round) {
    check_reciprocal_sqrt(random.between(std::uint64_t{1}, largest_square >> random.between(0, 61)));
    // Just under a perfect square of the normalized range the root's floor loses most.
    const std::uint64_t root = random.between(std::uint64_t{1} << 30, std::uint64_t{1} << 31);
    check_reciprocal_sqrt(root * root - 1);
  }
}

TEST_CASE("quotient: nearest to n / divisor, as far as 30 bits of the inverse reach") {
  Random random(3);
  for (int round = 0; round < 1'000'000; ++round) {
    const std::uint32_t divisor = random.between(std::uint32_t{1}, largest_divisor >> random.between(0, 30));
    check_quotient(static_cast<std::int32_t>(random.any_magnitude(largest_numerator(divisor))), divisor);
  }
  for (const std::uint32_t divisor : {1U, 2U, 3U, 32767U, 32768U, 65535U, 65536U, 49151U, largest_divisor}) {
    const auto largest = static_cast<std::int32_t>(largest_numerator(divisor));
    for (const std::int32_t n : {largest, largest - 1, -largest, 1, 0, -1})
      check_quotient(n, divisor);
  }
}

TEST_CASE("quotient: exact, ties upward, where the divisor is a power of two") {
  Random random(4);
  for (int bit = 0; bit < 31; ++bit) {
    const std::uint32_t divisor = std::uint32_t{1} << bit;
    for (int round = 0; round < 10'000; ++round) {
      const auto n = static_cast<std::int32_t>(random.any_magnitude(largest_numerator(divisor)));
      if (quotient(n, reciprocal(divisor)) != round_div(Int128{n} * power_of_two(16), divisor))
        FAIL(n << " / " << divisor);
    }
  }
  const Reciprocal by = reciprocal(std::uint32_t{1} << 17); // units of 1/2
  CHECK(quotient(1, by) == 1);
  CHECK(quotient(-1, by) == 0);
  CHECK(quotient(-3, by) == -1);
}
