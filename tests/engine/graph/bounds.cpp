// engine/graph/bounds against 128-bit arithmetic and brute force.
#include "engine/ops/bounds.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include <catch2/catch.hpp>

#include "tests/kernels/exact.hpp"

namespace intvit {
namespace {

using test::absolute;
using test::Int128;

TEST_CASE("bounds: accumulators reach their bound and no further") {
  std::mt19937 random(3);
  Weights weights{3, 4, std::vector<std::int8_t>(12)};
  for (int round = 0; round < 200; ++round) {
    for (std::int8_t &value : weights.values)
      value = static_cast<std::int8_t>(random() >> 24);
    std::vector<std::uint64_t> bounds;
    REQUIRE(accumulator_bounds(weights, bounds) == -1);
    REQUIRE(bounds.size() == 3);
    for (std::size_t n = 0; n < 3; ++n) {
      // The extremes of a linear function are at the corners. 127 stands for 128, by which the bound is symmetric.
      std::int64_t largest = 0;
      for (unsigned corner = 0; corner < 16; ++corner) {
        std::int64_t sum = 0;
        for (std::size_t k = 0; k < 4; ++k)
          sum += (corner >> k & 1U ? -128 : 128) * std::int64_t{weights.values[n * 4 + k]};
        largest = std::max(largest, sum);
      }
      CHECK(bounds[n] == static_cast<std::uint64_t>(largest));
    }
  }
}

TEST_CASE("bounds: the first channel whose accumulator could leave 32 bits") {
  // 2^24 - 1 is the largest sum of |weight| that fits.
  const int columns = 132105; // 127 * 132105 > 2^24
  Weights weights{3, columns, std::vector<std::int8_t>(3 * static_cast<std::size_t>(columns))};
  const auto fill = [&](std::size_t row, int sum, int sign) {
    auto at = weights.values.begin() + static_cast<std::ptrdiff_t>(row * static_cast<std::size_t>(columns));
    for (int left = sum; left > 0; left -= 127)
      *at++ = static_cast<std::int8_t>(sign * std::min(left, 127));
  };
  std::vector<std::uint64_t> bounds;
  fill(0, (1 << 24) - 1, 1);
  fill(1, (1 << 24) - 1, -1);
  fill(2, (1 << 24) - 1, 1);
  CHECK(accumulator_bounds(weights, bounds) == -1);
  CHECK(bounds == std::vector<std::uint64_t>(3, (std::uint64_t{1} << 31) - 128));
  fill(2, 1 << 24, 1);
  CHECK(accumulator_bounds(weights, bounds) == 2);
  fill(1, 1 << 24, -1);
  CHECK(accumulator_bounds(weights, bounds) == 1);
}

TEST_CASE("bounds: requantization against 128 bits") {
  std::mt19937_64 random(4);
  int accepted = 0;
  int refused = 0;
  for (int round = 0; round < 20000; ++round) {
    // Of all magnitudes, so that every term decides sometimes.
    const std::uint64_t bound = random() >> (33 + random() % 31);
    const auto multiplier = static_cast<std::int32_t>(static_cast<std::int64_t>(random()) >> (32 + random() % 32));
    const std::uint64_t extra = (random() >> 3) >> (random() % 61);
    const Int128 sum = static_cast<Int128>(bound) * absolute(multiplier) + static_cast<Int128>(extra);
    // Around the edge, or anywhere.
    const Int128 room = (Int128{1} << 63) - 1 - sum;
    Int128 offset = room + static_cast<int>(random() % 5) - 2;
    if (random() % 4 == 0)
      offset = static_cast<std::int64_t>(random());
    offset = std::min<Int128>(offset, std::numeric_limits<std::int64_t>::max());
    if (random() % 2 == 0)
      offset = std::max<Int128>(-offset, std::numeric_limits<std::int64_t>::min());
    RequantizationConstants constants{{0, multiplier}, {0, static_cast<std::int64_t>(offset)}, 32};
    const bool fits = sum + absolute(offset) < (Int128{1} << 63);
    ++(fits ? accepted : refused);
    CAPTURE(bound, multiplier, extra, static_cast<std::int64_t>(offset));
    if (check_requantization(constants, {0, bound}, {0, extra}) != (fits ? -1 : 1))
      FAIL("differs from 128-bit arithmetic");
    if (extra == 0 && check_requantization(constants, {0, bound}, {}) != (fits ? -1 : 1))
      FAIL("differs from 128-bit arithmetic without extra");
  }
  CHECK(accepted > 2000);
  CHECK(refused > 2000);
}

TEST_CASE("bounds: the residual's term is the largest there can be") {
  for (const kernels::ElementType type : {kernels::ElementType::int8, kernels::ElementType::int16}) {
    const std::int64_t lowest = type == kernels::ElementType::int8 ? -128 : -32768;
    for (int shift = 0; shift <= kernels::max_residual_shift(type); ++shift) {
      const std::vector<std::int32_t> multipliers = {
          0, 1, -1, 12345, std::numeric_limits<std::int32_t>::max(), std::numeric_limits<std::int32_t>::min()};
      const std::vector<std::uint64_t> bounds = residual_bounds(type, shift, multipliers);
      REQUIRE(bounds.size() == multipliers.size());
      for (std::size_t c = 0; c < bounds.size(); ++c) {
        // add_requantize() shifts the code in 32 bits and multiplies in 64.
        const std::int64_t shifted = lowest * (std::int64_t{1} << shift);
        REQUIRE(shifted >= std::numeric_limits<std::int32_t>::min());
        CHECK(static_cast<Int128>(bounds[c]) == absolute(static_cast<Int128>(shifted) * multipliers[c]));
        CHECK(bounds[c] <= std::uint64_t{1} << 61);
      }
    }
  }
}

TEST_CASE("bounds: no normalized value exceeds its bound") {
  // A row in which one channel differs from all others has the largest quotient, sqrt(C - 1).
  for (const int channels :
       {1, 2, 3, 4, 5, 15, 16, 17, 63, 64, 65, 192, 384, 768, 1023, 1024, 1025, 4096, 16383, 16384})
    for (const std::int64_t spike : {std::int64_t{1}, std::int64_t{255}, std::int64_t{65535}}) {
      const Int128 numerator = static_cast<Int128>(channels) * spike - spike;
      const Int128 square = static_cast<Int128>(channels) * spike * spike - static_cast<Int128>(spike) * spike;
      if (square == 0)
        continue;
      const long double exact = static_cast<long double>(numerator) / std::sqrt(static_cast<long double>(square));
      // The kernel's factor is off by less than one part in 2^28, and its rounding by half.
      const long double largest = exact * 65536.0L * (1.0L + 0x1p-28L) + 0.5L;
      CAPTURE(channels, spike);
      CHECK(static_cast<long double>(normalized_bound(channels)) >= largest);
      CHECK(normalized_bound(channels) < std::uint64_t{1} << 31);
    }
}

TEST_CASE("bounds: score multipliers against 64 bits") {
  for (const int head_dim : {1, 3, 8, 32, 64, 80, 1024})
    for (int shift = 1; shift <= 31; ++shift) {
      const std::int64_t distance = std::int64_t{32768} * head_dim;
      const std::int64_t half = std::int64_t{1} << (shift - 1);
      const std::int64_t last = ((std::int64_t{1} << 32) - 1 - half) / distance;
      for (std::int64_t multiplier = last - 2; multiplier <= last + 2; ++multiplier) {
        CAPTURE(head_dim, shift, multiplier);
        const bool fits = multiplier >= 1 && distance * multiplier + half <= 0xFFFFFFFF;
        if (multiplier <= std::numeric_limits<std::int32_t>::max())
          CHECK(score_fits(head_dim, static_cast<std::int32_t>(multiplier), shift) == fits);
      }
      CHECK_FALSE(score_fits(head_dim, 0, shift));
      CHECK_FALSE(score_fits(head_dim, -1, shift));
      CHECK_FALSE(score_fits(head_dim, std::numeric_limits<std::int32_t>::min(), shift));
    }
}

// exp of a distance, by the definition, in 128 bits.
Int128 naive_exp(const kernels::ExpPolynomial &polynomial, int distance) {
  const Int128 rest = distance % polynomial.units_per_octave;
  const Int128 value = std::max<Int128>(0, rest * rest - rest * polynomial.linear + polynomial.constant);
  const Int128 shifted = value << polynomial.octaves;
  const int octave = distance / polynomial.units_per_octave;
  return octave > 120 ? 0 : shifted >> octave;
}

TEST_CASE("bounds: exp polynomials against 128 bits") {
  std::mt19937 random(5);
  int accepted = 0;
  int refused = 0;
  const auto check = [&](const kernels::ExpPolynomial &polynomial, int tokens) {
    bool valid = naive_exp(polynomial, 0) * tokens < (Int128{1} << 31);
    for (int d = 1; d < 256; ++d)
      valid = valid && naive_exp(polynomial, d) <= naive_exp(polynomial, d - 1);
    ++(valid ? accepted : refused);
    CAPTURE(polynomial.units_per_octave, polynomial.linear, polynomial.constant, polynomial.octaves, tokens);
    if (exp_table_is_valid(polynomial, tokens) != valid)
      FAIL("differs from 128-bit arithmetic");
  };
  // Small polynomials, whose tables wrap around 2^32 where they rise.
  for (int units = 1; units <= 255; units = units * 2 + 1)
    for (int linear = 0; linear <= 12; ++linear)
      for (int constant = 1; constant <= 12; ++constant)
        for (int octaves = 26; octaves <= 30; ++octaves)
          check({units, linear, constant, octaves}, 1);
  for (int round = 0; round < 20000; ++round)
    check({static_cast<int>(1 + random() % 255), static_cast<int>(random() % 32769) >> (random() % 16),
           static_cast<int>(1 + random() % (1U << 30)) >> (random() % 30) | 1, static_cast<int>(random() % 31)},
          static_cast<int>(1 + random() % 16384));
  CHECK(accepted > 500);
  CHECK(refused > 500);

  // The largest sums that fit, one token more or less.
  CHECK(exp_table_is_valid({16, 1000, 131071, 0}, 16384));
  CHECK_FALSE(exp_table_is_valid({16, 1000, 131072, 0}, 16384));
  CHECK(exp_table_is_valid({16, 1000, 131072, 0}, 16383));
}

} // namespace
} // namespace intvit
