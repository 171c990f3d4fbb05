// Integer probabilities against the softmax and the sigmoid in floating point.
#include "engine/runtime/probability.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <catch2/catch.hpp>

#include "tests/kernels/random.hpp"

using namespace intvit;

namespace {

// The largest difference to the exact softmax, in millionths.
double error_of(const std::vector<std::int32_t> &logits, int fraction_bits) {
  const Probabilities probabilities(logits, fraction_bits);
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const std::int32_t logit : logits)
    sum += std::exp(std::ldexp(logit - largest, -fraction_bits));
  double error = 0;
  for (const std::int32_t logit : logits)
    error = std::max(error, std::abs(probabilities.millionths(logit) -
                                     1e6 * std::exp(std::ldexp(logit - largest, -fraction_bits)) / sum));
  return error;
}

} // namespace

TEST_CASE("probability: within 0.6 millionths of the softmax, whatever the unit") {
  test::Random random(1);
  double worst = 0;
  for (const int fraction_bits : {0, 1, 5, 10, 16, 24, 30})
    for (const int classes : {1, 2, 10, 1000})
      for (const int spread_bits : {0, 1, 3, 6, 40}) {
        const auto limit = static_cast<std::int32_t>(
            std::min<std::int64_t>(std::int64_t{1} << std::min(spread_bits + fraction_bits, 40), 2'147'483'647));
        worst = std::max(worst, error_of(random.values<std::int32_t>(static_cast<std::size_t>(classes), -limit, limit),
                                         fraction_bits));
      }
  CAPTURE(worst);
  CHECK(worst <= 0.6);
}

TEST_CASE("probability: extremes") {
  constexpr std::int32_t least = std::numeric_limits<std::int32_t>::min();
  constexpr std::int32_t most = std::numeric_limits<std::int32_t>::max();
  for (const int fraction_bits : {0, 15, 30}) {
    CHECK(Probabilities(std::vector<std::int32_t>{least}, fraction_bits).millionths(least) == 1'000'000);
    CHECK(error_of({least, most}, fraction_bits) <= 0.6);
    CHECK(error_of({most, most, most, most - 1}, fraction_bits) <= 0.6);
    CHECK(error_of({0, -1, 1}, fraction_bits) <= 0.6);
  }
  const std::vector<std::int32_t> equal(1 << 20, 7);
  CHECK(Probabilities(equal, 10).millionths(7) == 1);
}

// Sums of so many ones are beyond 64 bits with the digits that fewer have.
TEST_CASE("probability: as many classes as a model can have") {
  for (const int bits : {21, 22, 23, 24})
    for (const std::ptrdiff_t more : {-1, 0, 1}) {
      if (bits == 24 && more == 1)
        continue;
      std::vector<std::int32_t> logits(static_cast<std::size_t>((std::ptrdiff_t{1} << bits) + more), -5);
      CHECK(Probabilities(logits, 10).millionths(-5) == 0);
      logits[1000] = 40 << 10;
      CHECK(Probabilities(logits, 10).millionths(40 << 10) == 1'000'000);
      CHECK(Probabilities(logits, 10).millionths(-5) == 0);
      logits[7] = 40 << 10;
      CHECK(Probabilities(logits, 10).millionths(40 << 10) == 500'000);
    }
}

namespace {

// The difference to the exact sigmoid, in millionths.
double label_error(std::int32_t logit, int fraction_bits) {
  const long double x = std::ldexp(static_cast<long double>(logit), -fraction_bits);
  return static_cast<double>(std::abs(label_millionths(logit, fraction_bits) - 1e6L / (1 + std::exp(-x))));
}

} // namespace

TEST_CASE("label probability: within 0.52 millionths of the sigmoid, whatever the unit") {
  constexpr std::int32_t least = std::numeric_limits<std::int32_t>::min();
  constexpr std::int32_t most = std::numeric_limits<std::int32_t>::max();
  test::Random random(2);
  double worst = 0;
  for (int fraction_bits = 0; fraction_bits <= 30; ++fraction_bits) {
    for (const std::int32_t logit : {least, least + 1, -1, 0, 1, most - 1, most})
      worst = std::max(worst, label_error(logit, fraction_bits));
    for (int bits = 1; bits < 32; ++bits) {
      const auto limit = static_cast<std::int32_t>((std::int64_t{1} << bits) - 1);
      for (const std::int32_t logit : random.values<std::int32_t>(50, -limit, limit))
        worst = std::max(worst, label_error(logit, fraction_bits));
    }
  }
  CAPTURE(worst);
  CHECK(worst <= 0.52);
}

TEST_CASE("label probability: known values, never falling, and what is left is the probability of the contrary") {
  for (const int fraction_bits : {0, 13, 30}) {
    CHECK(label_millionths(0, fraction_bits) == 500'000);
    CHECK(label_millionths(std::numeric_limits<std::int32_t>::max(), fraction_bits) ==
          (fraction_bits == 30 ? 880'797 : 1'000'000)); // sigmoid(2)
    CHECK(label_millionths(std::numeric_limits<std::int32_t>::min(), fraction_bits) ==
          (fraction_bits == 30 ? 119'203 : 0));
  }
  CHECK(label_millionths(1, 0) == 731'059);
  CHECK(label_millionths(-1, 0) == 268'941);
  std::int32_t before = 0;
  for (std::int32_t logit = -20'000; logit <= 20'000; ++logit) {
    const std::int32_t now = label_millionths(logit, 10);
    if (now < before || std::abs(now + label_millionths(-logit, 10) - 1'000'000) > 1)
      FAIL("at " << logit);
    before = now;
  }
}
