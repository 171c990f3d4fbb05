// Distance codes, the i-exp table and the int8 softmax's weights.
#include "kernels/softmax.hpp"

#include <cmath>
#include <limits>
#include <numbers>

#include <catch2/catch.hpp>

#include "engine/ops/bounds.hpp"
#include "tests/kernels/exact.hpp"
#include "tests/kernels/fqvit.hpp"
#include "tests/kernels/random.hpp"

using namespace intvit::kernels;
using namespace intvit::test;

namespace {

// The most octaves at which a row of 197 stays below 2^31.
int fitting_octaves(double scale) {
  int octaves = 0;
  while (Int128{fqvit_polynomial(scale, 0).constant} * 197 * power_of_two(octaves + 1) < power_of_two(31))
    ++octaves;
  return octaves;
}

double engine_scale(int units_per_octave) {
  return std::numbers::ln2 / units_per_octave;
}

// As FQ-ViT's parameters of the step, but with ln 2 a whole number of steps instead of 0.6931.
ExpPolynomial engine_polynomial(int units_per_octave) {
  const double scale = engine_scale(units_per_octave);
  ExpPolynomial polynomial = fqvit_polynomial(scale, fitting_octaves(scale));
  polynomial.units_per_octave = units_per_octave;
  return polynomial;
}

} // namespace

TEST_CASE("distance_code: exact up to the largest distance that the loader admits") {
  Random random(1);
  for (const int head_dim : {1, 2, 3, 32, 64, 127, 1024})
    for (int shift = 1; shift <= 31; ++shift) {
      const Int128 largest_distance = power_of_two(15) * head_dim;
      const auto largest_multiplier =
          clamped((power_of_two(32) - 1 - power_of_two(shift - 1)) / largest_distance, 0, 2147483647);
      CHECK_FALSE(intvit::score_fits(head_dim, static_cast<std::int32_t>(largest_multiplier + 1), shift));
      CHECK_FALSE(intvit::score_fits(head_dim, 0, shift));
      if (largest_multiplier == 0)
        continue;
      CHECK(intvit::score_fits(head_dim, static_cast<std::int32_t>(largest_multiplier), shift));
      for (int round = 0; round < 1000; ++round) {
        const auto last = static_cast<std::uint32_t>(largest_distance);
        const std::uint32_t distance = round < 300 ? last - static_cast<std::uint32_t>(round)
                                                   : random.between(std::uint32_t{0}, last >> random.between(0, 14));
        const auto multiplier = static_cast<std::uint32_t>(
            round % 2 == 0 ? largest_multiplier : random.between<std::int64_t>(1, largest_multiplier));
        const Int128 expected = std::min<Int128>(255, round_div(Int128{distance} * multiplier, power_of_two(shift)));
        if (distance_code(distance, multiplier, shift) != expected)
          FAIL("distance_code(" << distance << ", " << multiplier << ", " << shift << ")");
      }
    }
}

TEST_CASE("build_exp_table: FQ-ViT's int_exp with fewer octaves") {
  Random random(2);
  for (int round = 0; round < 500; ++round) {
    const double scale = random.between(28, 3000) / 10000.0;
    const int octaves = fitting_octaves(scale);
    const ExpPolynomial polynomial = fqvit_polynomial(scale, octaves);
    if (polynomial.units_per_octave > 255)
      continue;
    const ExpTable table = build_exp_table(polynomial);
    for (int d = 0; d < std::min(256, 30 * polynomial.units_per_octave); ++d)
      if (table[static_cast<std::size_t>(d)] != std::floor(std::ldexp(fqvit_exp(-d, scale), octaves - 30)))
        FAIL("distance " << d << " of scale " << scale);
    CHECK(intvit::exp_table_is_valid(polynomial, 197));
  }
}

TEST_CASE("build_exp_table: exactly as defined, whatever the parameters") {
  Random random(3);
  for (int round = 0; round < 2000; ++round) {
    const ExpPolynomial polynomial{.units_per_octave = random.between(1, 255),
                                   .linear = random.between(255, 1 << 15),
                                   .constant = random.between(1, 1 << random.between(0, 30)),
                                   .octaves = random.between(0, 30)};
    if (Int128{polynomial.constant} * power_of_two(polynomial.octaves) >= power_of_two(31))
      continue;
    const ExpTable table = build_exp_table(polynomial);
    for (int d = 0; d < 256; ++d) {
      const Int128 rest = d % polynomial.units_per_octave;
      const Int128 value = std::max<Int128>(0, rest * rest - rest * polynomial.linear + polynomial.constant);
      const int octave = d / polynomial.units_per_octave;
      const Int128 expected =
          octave > 62 ? 0 : floor_div(value * power_of_two(polynomial.octaves), power_of_two(octave));
      if (table[static_cast<std::size_t>(d)] != expected)
        FAIL("entry " << d << " of " << polynomial.units_per_octave << " units");
    }
  }
}

TEST_CASE("build_exp_table: how far from the real exp") {
  for (const int units : {16, 32}) {
    const ExpPolynomial polynomial = engine_polynomial(units);
    const ExpTable table = build_exp_table(polynomial);
    CHECK(intvit::exp_table_is_valid(polynomial, 197));
    double absolute_error = 0; // of exp, which is 1 at distance 0
    double relative_error = 0; // while no bit is lost
    for (int d = 0; d < 256; ++d) {
      const double real = std::exp(-d * engine_scale(units));
      const double difference = std::abs(static_cast<double>(table[static_cast<std::size_t>(d)]) / table[0] - real);
      absolute_error = std::max(absolute_error, difference);
      if (d / units <= polynomial.octaves)
        relative_error = std::max(relative_error, difference / real);
    }
    CAPTURE(units, polynomial.linear, polynomial.constant, polynomial.octaves, absolute_error, relative_error);
    if (units == 16) // the largest distance has probability 0 even where nothing but the maximum stands beside it
      CHECK(log_int_softmax_code(table[0] + table[255], table[255]) > lis4_unit);
    CHECK(absolute_error < 0.0046); // measured: 0.0038 for 16 units, 0.0045 for 32
    CHECK(relative_error < 0.0089); // measured: 0.0072 and 0.0088
  }
}

TEST_CASE("exp_table_is_valid: the sum of a row stays below 2^31") {
  const ExpPolynomial polynomial{.units_per_octave = 16, .linear = 62, .constant = 1487, .octaves = 10};
  const int largest = (1LL << 31) / (1487LL << 10); // floor: 1410.3
  CHECK(intvit::exp_table_is_valid(polynomial, largest));
  CHECK_FALSE(intvit::exp_table_is_valid(polynomial, largest + 1));
  CHECK_FALSE(intvit::exp_table_is_valid({.units_per_octave = 1, .linear = 0, .constant = 1 << 30, .octaves = 1}, 1));
  // A polynomial that rises again before its octave ends.
  CHECK_FALSE(intvit::exp_table_is_valid({.units_per_octave = 100, .linear = 62, .constant = 1487, .octaves = 10}, 1));
}

TEST_CASE("build_int8_weights: 255 times exp, rounded, and nothing at the last distance") {
  for (const int units : {1, 8, 16, 32, 100, 255}) {
    const ExpTable exp = build_exp_table(engine_polynomial(units));
    const std::array<std::uint8_t, 256> weights = build_int8_weights(exp);
    CHECK(weights[0] == 255);
    CHECK(weights[255] == 0);
    double worst = 0;
    for (std::size_t d = 0; d < 255; ++d) {
      if (weights[d] != round_div(Int128{exp[d]} * 255, exp[0]))
        FAIL("weight " << d << " of " << units << " units");
      worst = std::max(worst, std::abs(weights[d] - 255 * std::exp(-static_cast<double>(d) * engine_scale(units))));
    }
    CAPTURE(units, worst);
    if (units == 32)
      CHECK(worst < 1.18); // measured: 1.175
  }
}
