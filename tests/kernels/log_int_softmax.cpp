// Log-Int-Softmax: its codes against FQ-ViT's rule, and the bound on a row's weights.
#include <algorithm>
#include <numeric>

#include <catch2/catch.hpp>

#include "kernels/softmax.hpp"
#include "tests/kernels/exact.hpp"
#include "tests/kernels/fqvit.hpp"
#include "tests/kernels/random.hpp"

using namespace intvit::kernels;
using namespace intvit::test;

namespace {

constexpr std::uint32_t largest_sum = (std::uint32_t{1} << 31) - 1;

void check_code(std::uint32_t sum, std::uint32_t exp) {
  const int code = log_int_softmax_code(sum, exp);
  if (code != exact_code(sum, exp))
    FAIL("log_int_softmax_code(" << sum << ", " << exp << ") = " << code);
  if (exp == 0)
    return;
  // FQ-ViT rounds a ratio of 2.5 to 2, the even neighbour; every other tie leads to the same code.
  const bool other_tie = std::uint64_t{sum} * 2 == std::uint64_t{exp} * 5;
  if (fqvit_code(sum, exp) != (other_tie ? 1 : code) || (other_tie && code != 2))
    FAIL("FQ-ViT's code of " << exp << " / " << sum << " is " << fqvit_code(sum, exp) << ", ours " << code);
  // The weight is less than 1.5 times 2^15 * exp / sum: this makes a row's weights add up to less than 1.5 * 2^15.
  if (Int128{2} * log_int_softmax_weight(code, lis4_unit) * sum >= Int128{3} * 32768 * exp)
    FAIL("the weight of " << exp << " / " << sum << " is " << log_int_softmax_weight(code, lis4_unit));
}

// The sum of a row's lis4 weights, which must be below 1.5 * 2^15. Checks lis8's weights on the way.
std::int64_t weight_sum(const std::vector<std::uint32_t> &row) {
  const auto sum = static_cast<std::uint32_t>(std::accumulate(row.begin(), row.end(), std::uint64_t{0}));
  const int least = exact_code(sum, *std::max_element(row.begin(), row.end()));
  const int unit = std::min(15 + least, 23);
  if (lis8_unit(least) != unit)
    FAIL("lis8_unit(" << least << ") = " << lis8_unit(least));
  std::int64_t weights = 0;
  std::int64_t lis8_weights = 0;
  for (const std::uint32_t exp : row) {
    const int code = log_int_softmax_code(sum, exp);
    weights += log_int_softmax_weight(code, lis4_unit);
    const std::int32_t lis8_weight = log_int_softmax_weight(code, unit);
    // Probabilities relative to the row's largest, exactly, as far as 16 codes and the unit go.
    const Int128 expected = code > unit ? Int128{0} : power_of_two(unit) / power_of_two(code);
    if (lis8_weight != expected || lis8_weight > 1 << 15)
      FAIL("the weight of code " << code << " where the least is " << least << " is " << lis8_weight);
    lis8_weights += lis8_weight;
  }
  if (lis8_weights * 2 >= 3 * (std::int64_t{1} << unit) || lis8_weights >= 1 << 24 || lis8_weights < 1 << 9)
    FAIL("a row of " << row.size() << " has lis8 weights of " << lis8_weights);
  return weights;
}

constexpr std::int64_t bound = 49151; // below 1.5 * 2^15

} // namespace

TEST_CASE("log_int_softmax_code: FQ-ViT's rule, all small operands") {
  for (std::uint32_t exp = 0; exp <= 400; ++exp)
    for (std::uint32_t sum = std::max(exp, 1U); sum < 3000; ++sum)
      check_code(sum, exp);
  for (std::uint32_t exp = 1; exp <= 8; ++exp)
    for (std::uint32_t sum = exp; sum < 500'000; ++sum)
      check_code(sum, exp);
}

TEST_CASE("log_int_softmax_code: FQ-ViT's rule, random operands and ties") {
  Random random(1);
  for (int round = 0; round < 1'000'000; ++round) {
    const std::uint32_t sum = random.between(1U, largest_sum >> random.between(0, 20));
    check_code(sum, random.between(0U, sum >> random.between(0, 18)));
  }
  // Ratios of k + 1/2, and one beside them, about every border of the codes.
  for (int border = 0; border <= 17; ++border)
    for (const std::uint32_t middle : {2U << border, 3U << border})
      for (std::uint32_t k = std::max(middle, 4U) - 3; k < middle + 3; ++k)
        for (int round = 0; round < 200; ++round) {
          const std::uint32_t half = random.between(1U, (largest_sum - 1) / (2 * k + 1));
          const std::uint32_t sum = half * (2 * k + 1);
          check_code(sum, 2 * half);
          check_code(sum + 1, 2 * half);
          check_code(sum - 1, 2 * half);
        }
  CHECK(log_int_softmax_code(5, 2) == 2);
  CHECK(log_int_softmax_code(3, 2) == 1);
  CHECK(log_int_softmax_code(1, 1) == 0);
  CHECK(log_int_softmax_code(49151, 1) == 15);
  CHECK(log_int_softmax_code(49152, 1) == 16);
  CHECK(log_int_softmax_code(largest_sum, 1) == 31);
  CHECK(log_int_softmax_code(1, 0) == no_log_int_softmax_code);
}

TEST_CASE("log_int_softmax: a row's weights add up to less than 1.5 times their unit") {
  SECTION("all rows of up to four small numbers") {
    std::vector<std::uint32_t> row(4);
    for (row[0] = 1; row[0] <= 40; ++row[0])
      for (row[1] = 0; row[1] <= row[0]; ++row[1])
        for (row[2] = 0; row[2] <= row[1]; ++row[2])
          for (row[3] = 0; row[3] <= row[2]; ++row[3])
            if (weight_sum(row) > bound)
              FAIL(row[0] << ", " << row[1] << ", " << row[2] << ", " << row[3]);
  }
  SECTION("equal numbers, as many as tokens are allowed") {
    for (std::size_t tokens = 1; tokens <= 1 << 14; ++tokens) {
      const std::uint32_t exp = tokens < 1000 ? 7 : 1;
      // All weights are the one of probability 1 / tokens, and none is 0.
      const std::int64_t weights =
          log_int_softmax_weight(exact_code(tokens, 1), lis4_unit) * static_cast<std::int64_t>(tokens);
      const int code = log_int_softmax_code(static_cast<std::uint32_t>(tokens) * exp, exp);
      if (log_int_softmax_weight(code, lis4_unit) * static_cast<std::int64_t>(tokens) != weights || weights > bound ||
          weights == 0)
        FAIL(tokens << " tokens");
      if (tokens % 101 == 0 || tokens > (1 << 14) - 3)
        weight_sum(std::vector<std::uint32_t>(tokens, exp));
    }
  }
  SECTION("random rows of all spreads") {
    Random random(2);
    for (int round = 0; round < 3000; ++round) {
      std::vector<std::uint32_t> row(random.between<std::size_t>(1, 2000));
      const int spread = random.between(0, 19);
      for (std::uint32_t &exp : row)
        exp = ((std::uint32_t{1} << 20) - 1) >> random.between(0, spread);
      if (weight_sum(row) > bound)
        FAIL("a row of " << row.size());
    }
  }
  SECTION("rows built to come close") {
    // One number a little above 2/3 of the sum, and the rest in numbers whose ratio is just below 1.5 * 2^k - 1/2.
    constexpr std::uint64_t sum = std::uint64_t{1} << 30;
    std::int64_t largest = 0;
    for (int k = 2; k <= 13; ++k) {
      std::vector<std::uint32_t> row{static_cast<std::uint32_t>(2 * sum / 3 + 1)};
      const auto exp = static_cast<std::uint32_t>(2 * sum / ((3U << k) - 1) + 1);
      std::uint64_t rest = sum - row[0];
      for (; rest >= exp; rest -= exp)
        row.push_back(exp);
      row.push_back(static_cast<std::uint32_t>(rest));
      const std::int64_t weights = weight_sum(row);
      CHECK(weights <= bound);
      largest = std::max(largest, weights);
    }
    CAPTURE(largest);
    CHECK(largest > 49100); // the bound is no looser than it must be
  }
}

TEST_CASE("log_int_softmax: two planes of 8-bit weights give the same product in 32 bits") {
  Random random(3);
  for (const std::size_t tokens : {1U, 2U, 197U, 511U, 512U, 577U, 5000U, 1U << 14}) {
    for (int round = 0; round < 5; ++round) {
      std::vector<std::uint32_t> row(tokens);
      const int spread = round == 0 ? 0 : random.between(0, 16);
      for (std::uint32_t &exp : row)
        exp = 65536U >> random.between(0, spread);
      const std::uint32_t sum = std::accumulate(row.begin(), row.end(), 0U);
      const std::vector<std::int8_t> v =
          round % 2 == 0 ? std::vector<std::int8_t>(tokens, -128) : random.values<std::int8_t>(tokens, -128, 127);
      Int128 expected = 0;
      std::int32_t high = 0;
      std::int32_t low = 0;
      for (std::size_t j = 0; j < tokens; ++j) {
        const int code = log_int_softmax_code(sum, row[j]);
        expected += Int128{log_int_softmax_weight(code, lis4_unit)} * v[j];
        const auto high_weight = static_cast<std::uint8_t>(code < 8 ? 1 << (7 - code) : 0);
        const auto low_weight = static_cast<std::uint8_t>(code >= 8 && code <= lis4_unit ? 1 << (15 - code) : 0);
        high += high_weight * v[j];
        low += low_weight * v[j];
      }
      if (high * 256 + low != expected)
        FAIL("a row of " << tokens);
    }
  }
}
