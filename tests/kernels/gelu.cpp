// GELU against erfc, and its integer steps against exact arithmetic.
#include "kernels/gelu.hpp"

#include <cmath>

#include <catch2/catch.hpp>

#include "tests/kernels/exact.hpp"

using namespace intvit::kernels;
using namespace intvit::test;

namespace {

// u * (1 - Phi(u)) = u / 2 * erfc(u / sqrt(2))
long double real_tail(long double u) {
  return u / 2 * std::erfc(u / std::sqrt(2.0L));
}

long double real_gelu(long double x) {
  return x / 2 * std::erfc(-x / std::sqrt(2.0L));
}

long double real_quick_gelu(long double x) {
  return x / (1 + std::exp(-1.702L * x));
}

long double real_silu(long double x) {
  return x / (1 + std::exp(-x));
}

// docs/numerics.md, "GELU", without a shift.
std::int64_t defined_gelu(int x, int fraction_bits, GeluFunction function) {
  const GeluTail &tail = tail_of(function);
  const Int128 width = power_of_two(fraction_bits - 4); // of a chord
  Int128 u = absolute(x);
  if (function == GeluFunction::quick)
    u = std::min(u, power_of_two(fraction_bits) + floor_div(u, 2));
  if (function == GeluFunction::silu)
    u = std::min(u, 3 * power_of_two(fraction_bits - 1) + floor_div(u, 4));
  u = std::min(u, power_of_two(fraction_bits + 2) - 1);
  const auto i = static_cast<std::size_t>(u / width);
  const Int128 tail16 = tail[i] + round_div((tail[i + 1] - tail[i]) * (u % width), width);
  return static_cast<std::int64_t>(std::max(x, 0) - round_div(tail16, power_of_two(16 - fraction_bits)));
}

} // namespace

TEST_CASE("gelu_tail: every entry is the real tail, rounded") {
  for (std::size_t i = 0; i < 64; ++i)
    CHECK(gelu_tail[i] == std::lround(std::ldexp(real_tail(static_cast<long double>(i) / 16), 16)));
  CHECK(gelu_tail[64] == 0);
}

TEST_CASE("quick_gelu_tail: every entry is the real tail, rounded") {
  for (std::size_t i = 0; i < 64; ++i) {
    const long double u = i <= 32 ? static_cast<long double>(i) / 16 : static_cast<long double>(i) / 8 - 2;
    CHECK(quick_gelu_tail[i] == std::lround(std::ldexp(-real_quick_gelu(-u), 16)));
  }
  CHECK(quick_gelu_tail[64] == 0);
}

TEST_CASE("silu_tail: every entry is the real tail, rounded") {
  for (std::size_t i = 0; i < 64; ++i) {
    const long double u = i <= 32 ? static_cast<long double>(i) / 16 : static_cast<long double>(i) / 4 - 6;
    CHECK(silu_tail[i] == std::lround(std::ldexp(-real_silu(-u), 16)));
  }
  CHECK(silu_tail[64] == 0);
}

TEST_CASE("gelu: every input of every format") {
  struct Case {
    GeluFunction function;
    long double (*real)(long double);
    double largest_tail;
    double lowest;           // the place of the least result
    double largest_error[5]; // in units of the last place for 8 to 12 fraction bits, measured and rounded up
  };
  const auto [function, real, largest_tail, lowest, largest_error] =
      GENERATE(Case{GeluFunction::gelu, real_gelu, 0.17, -0.75, {0.54, 0.66, 0.85, 1.26, 2.04}},
               Case{GeluFunction::quick, real_quick_gelu, 0.17, -0.75, {0.57, 0.67, 0.90, 1.31, 2.14}},
               Case{GeluFunction::silu, real_silu, 0.28, -1.25, {0.78, 0.86, 0.99, 1.33, 1.92}});
  for (int bits = min_gelu_fraction_bits; bits <= max_gelu_fraction_bits; ++bits) {
    long double worst = 0;
    const auto lowest_point = static_cast<int>(std::ldexp(lowest, bits)); // where the table's largest tail stands
    for (int x = -32767; x <= 32767; ++x) {
      const int y = gelu(static_cast<std::int16_t>(x), bits, function);
      const long double error = std::abs(y - std::ldexp(real(std::ldexp(static_cast<long double>(x), -bits)), bits));
      worst = std::max(worst, error);
      const int before = x == -32767 ? y : gelu(static_cast<std::int16_t>(x - 1), bits, function);
      if (y != defined_gelu(x, bits, function) || y > std::max(x, 0) || -y > std::ldexp(largest_tail, bits) + 0.5 ||
          y - gelu(static_cast<std::int16_t>(-x), bits, function) != x || (x <= lowest_point ? y > before : y < before))
        FAIL("function " << static_cast<int>(function) << ": gelu(" << x << " / 2^" << bits << ") = " << y);
    }
    CAPTURE(static_cast<int>(function), bits, worst, std::ldexp(worst, -bits));
    CHECK(worst < largest_error[bits - min_gelu_fraction_bits]);
  }
}

TEST_CASE("gelu_code: multiply, round and clamp") {
  for (const int zero_point : {-128, -100, -1, 0, 77, 127})
    for (const int multiplier : {1, 2, 3, 255, 1000, 16383, 16384, 20000, 32766, 32767})
      for (int g = -32767; g <= 32767; ++g) {
        const Int128 code = zero_point + round_div(Int128{g} * multiplier, power_of_two(15));
        if (gelu_code(static_cast<std::int16_t>(g), static_cast<std::int16_t>(multiplier),
                      static_cast<std::int8_t>(zero_point)) != clamped(code, -128, 127))
          FAIL("gelu_code(" << g << ", " << multiplier << ", " << zero_point << ")");
      }
}
