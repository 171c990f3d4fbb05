// Measures against their definitions, computed the long way, on small numbers of which many are equal.
#include "models/evaluate/measures.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include <catch2/catch.hpp>

#include "tests/kernels/random.hpp"

namespace intvit {
namespace {

// By thresholds: those at or above one are found; each adds precision times its gain in recall.
double average_precision_by_thresholds(const std::vector<double> &outputs, const std::vector<bool> &holds) {
  const auto count = [&](double threshold, bool relevant) {
    double number = 0;
    for (std::size_t i = 0; i < outputs.size(); ++i)
      number += outputs[i] >= threshold && (holds[i] || !relevant) ? 1 : 0;
    return number;
  };
  const auto all = static_cast<double>(std::count(holds.begin(), holds.end(), true));
  double sum = 0;
  double recall = 0;
  const std::set<double, std::greater<>> thresholds(outputs.begin(), outputs.end());
  for (const double threshold : thresholds) {
    const double precision = count(threshold, true) / count(threshold, false);
    sum += precision * (count(threshold, true) / all - recall);
    recall = count(threshold, true) / all;
  }
  return sum;
}

TEST_CASE("measures: whether two models find the same neighbours") {
  using Features = std::vector<std::vector<double>>;
  const auto nearest = [](const Features &features) { return *nearest_others(features, [] { return true; }); };
  const auto agreement = [&](const Features &x, const Features &y) {
    return neighbour_agreement(nearest(x), nearest(y));
  };
  const Features a = {{1, 0}, {0.9, 0.1}, {0, 1}, {-1, 0.2}};
  CHECK(nearest(a) == std::vector<std::size_t>{1, 0, 3, 2});
  CHECK(nearest({{1, 0}, {0, 0}, {2, 0}, {3, 0}}) == std::vector<std::size_t>{2, 0, 0, 0}); // zeros are near nothing
  CHECK(agreement(a, a) == 1);
  // 0 and 1 are beside one another, and so are 2 and 3; here 2 is nearer to 1.
  const Features b = {{1, 0}, {2, 0.2}, {0.5, 1}, {-1, 0.2}};
  CHECK(agreement(a, b) == 0.75);
  const Features lengths = {{7, 0}, {0.09, 0.01}, {0, 0.5}, {-3, 0.6}};
  CHECK(agreement(a, lengths) == 1);
  int left = 2;
  CHECK_FALSE(nearest_others(a, [&] { return left-- > 0; }));
}

TEST_CASE("measures: average precision of examples worked by hand") {
  // Found one after the other: right, wrong, right, wrong. 1/1 and 2/3 at the two right ones.
  CHECK(average_precision(std::vector<double>{4, 3, 2, 1}, {true, false, true, false}) == Approx((1 + 2.0 / 3) / 2));
  CHECK(average_precision(std::vector<double>{1, 2, 3, 4}, {true, true, false, false}) == Approx((1.0 / 3 + 0.5) / 2));
  CHECK(average_precision(std::vector<double>{2, 2}, {true, false}) == Approx(0.5)); // at once
  CHECK(average_precision(std::vector<double>{2, 2}, {false, true}) == Approx(0.5)); // whatever the order
  CHECK(average_precision(std::vector<double>{-1, 5}, {false, true}) == 1.0);
  CHECK_FALSE(average_precision(std::vector<double>{1, 2}, {false, false}));
  CHECK_FALSE(average_precision({}, {}));
}

TEST_CASE("measures: average precision is that of its definition, with ties") {
  test::Random random(5);
  for (int round = 0; round < 2000; ++round) {
    const auto count = random.between<std::size_t>(1, 12);
    std::vector<double> outputs;
    std::vector<bool> holds;
    for (std::size_t i = 0; i < count; ++i) {
      outputs.push_back(random.between(-3, 3));
      holds.push_back(random.between(0, 2) == 0);
    }
    if (std::find(holds.begin(), holds.end(), true) == holds.end())
      continue;
    const std::optional<double> found = average_precision(outputs, holds);
    if (!found || std::abs(*found - average_precision_by_thresholds(outputs, holds)) > 1e-12)
      FAIL("round " << round);
  }
}

TEST_CASE("measures: decisions counted one by one") {
  test::Random random(6);
  for (int round = 0; round < 300; ++round) {
    Decisions decisions;
    double true_positive = 0;
    double false_positive = 0;
    double false_negative = 0;
    double right = 0;
    const int count = random.between(1, 8);
    for (int i = 0; i < count; ++i) {
      const bool decided = random.between(0, 1) == 1;
      const bool holds = random.between(0, 1) == 1;
      decisions.add(decided, holds);
      true_positive += decided && holds ? 1 : 0;
      false_positive += decided && !holds ? 1 : 0;
      false_negative += !decided && holds ? 1 : 0;
      right += decided == holds ? 1 : 0;
    }
    CHECK(decisions.right() == Approx(right / count));
    if (true_positive == 0) {
      CHECK(decisions.f1().value_or(0) == 0);
      CHECK(decisions.f1().has_value() == (false_positive + false_negative > 0));
      continue;
    }
    const double precision = true_positive / (true_positive + false_positive);
    const double recall = true_positive / (true_positive + false_negative);
    CHECK(*decisions.f1() == Approx(2 * precision * recall / (precision + recall)));
  }
  CHECK_FALSE(Decisions().f1());
  CHECK(Decisions().right() == 0);
}

TEST_CASE("measures: a label is decided at a probability of one half") {
  CHECK(is_decided(0));
  CHECK_FALSE(is_decided(-1e-9));
  CHECK(decided_alike(std::vector<double>{0, -1, 3, -2}, std::vector<double>{5, 1, -1, -9}) == 0.5);
}

TEST_CASE("measures: errors and correlation of small numbers") {
  const std::vector<double> expected{1, 2, 2, 5};
  const std::vector<double> found{2, 2, 0, 4};
  CHECK(mean_absolute_error(expected, found) == 1);
  CHECK(root_mean_square_error(expected, found) == Approx(std::sqrt(1.5)));
  CHECK(mean_absolute_error({}, {}) == 0);
  CHECK(root_mean_square_error({}, {}) == 0);
  CHECK_FALSE(correlation({}, {}));
  CHECK_FALSE(correlation(expected, std::vector<double>(4, 0.1)));
  CHECK_FALSE(correlation(std::vector<double>{3}, std::vector<double>{4}));
  CHECK(*correlation(expected, std::vector<double>{10, 20, 20, 50}) == Approx(1));
  CHECK(*correlation(expected, std::vector<double>{-1, -2, -2, -5}) == Approx(-1));

  test::Random random(7);
  for (int round = 0; round < 300; ++round) {
    const auto a = random.values<int>(6, -4, 4);
    const auto b = random.values<int>(6, -4, 4);
    double sums[5] = {}; // of a, b, a a, b b, a b
    for (std::size_t i = 0; i < 6; ++i) {
      sums[0] += a[i];
      sums[1] += b[i];
      sums[2] += a[i] * a[i];
      sums[3] += b[i] * b[i];
      sums[4] += a[i] * b[i];
    }
    const double spread_a = 6 * sums[2] - sums[0] * sums[0];
    const double spread_b = 6 * sums[3] - sums[1] * sums[1];
    const std::optional<double> found_correlation =
        correlation(std::vector<double>(a.begin(), a.end()), std::vector<double>(b.begin(), b.end()));
    REQUIRE(found_correlation.has_value() == (spread_a > 0 && spread_b > 0));
    if (found_correlation)
      CHECK(*found_correlation ==
            Approx((6 * sums[4] - sums[0] * sums[1]) / std::sqrt(spread_a * spread_b)).margin(1e-12));
  }
}

} // namespace
} // namespace intvit
