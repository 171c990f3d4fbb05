// The values of words of four bits, and the selection of weights with second words.
#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <set>

#include <catch2/catch.hpp>

#include "engine/ops/four_bits_weights.hpp"
#include "models/architectures/stlq_words.hpp"
#include "models/quantize/linear/two_words.hpp"

namespace intvit::stlq {
namespace {

double expected_value(int code, double unit) {
  double value = code == 0 ? 0 : unit;
  for (int i = 0; i < std::abs(code); ++i)
    value /= 2;
  return code < 0 ? -value : value;
}

double uniform(std::mt19937 &generator) {
  return static_cast<double>(generator()) / 2147483648.0 - 1;
}

RowMatrix random_squares(Eigen::Index rows, Eigen::Index columns) {
  std::mt19937 generator(5);
  RowMatrix squares(rows, columns);
  for (Eigen::Index i = 0; i < squares.size(); ++i)
    squares.data()[i] = static_cast<float>(generator() % 1000);
  return squares;
}

bool selected(const std::vector<bool> &bits, const RowMatrix &weights, Eigen::Index n, Eigen::Index c) {
  return bits[static_cast<std::size_t>(n * weights.cols() + c)];
}

} // namespace

TEST_CASE("the nearest value is that of all pairs of words") {
  const auto scale = GENERATE(kernels::WordScale::log, kernels::WordScale::uniform);
  for (const bool two_words : {false, true}) {
    const NearestValues &nearest_value = nearest_values(scale, two_words);
    std::set<int> levels;
    for (int first = -7; first <= 7; ++first)
      for (int second = two_words ? -8 : 0; second <= (two_words ? 7 : 0); ++second)
        if (scale == kernels::WordScale::uniform)
          levels.insert(16 * first + second);
        else if (second != -8)
          levels.insert(
              std::clamp(static_cast<int>(expected_value(first, 128) + expected_value(second, 128)), -127, 127));
    std::mt19937 generator(2);
    for (int i = 0; i < 5000; ++i) {
      const double weight = uniform(generator) * 140;
      double least = std::numeric_limits<double>::infinity();
      for (const int level : levels)
        least = std::min(least, std::abs(level - weight));
      const std::int8_t value = nearest_value(weight);
      REQUIRE(levels.count(value) == 1);
      REQUIRE(std::abs(value - weight) == least);
    }
    for (const int level : levels)
      CHECK(nearest_value(level) == level);
  }
}

TEST_CASE("one word's values") {
  for (int value = -127; value <= 127; ++value) {
    bool one_word = value == 0;
    for (int exponent = 0; exponent < 7; ++exponent)
      one_word = one_word || std::abs(value) == 1 << exponent;
    CHECK(is_one_word(kernels::WordScale::log, static_cast<std::int8_t>(value)) == one_word);
    CHECK(is_one_word(kernels::WordScale::uniform, static_cast<std::int8_t>(value)) == (value % 16 == 0));
  }
}

TEST_CASE("second words go to the groups whose residuals are largest") {
  const RowMatrix squares = random_squares(150, 30); // three rows of tiles, the last one and the last column not whole
  const auto check = [&](TwoWordGroups kind, Eigen::Index outputs, Eigen::Index inputs) {
    std::vector<std::pair<double, std::pair<Eigen::Index, Eigen::Index>>> groups;
    for (Eigen::Index n = 0; n < squares.rows(); n += outputs)
      for (Eigen::Index c = 0; c < squares.cols(); c += inputs)
        groups.push_back(
            {squares.block(n, c, std::min(outputs, squares.rows() - n), std::min(inputs, squares.cols() - c))
                 .cast<double>()
                 .sum(),
             {n, c}});
    for (const double ratio : {0.0, 0.1, 0.5, 1.0}) {
      const std::vector<bool> bits = select_by_ratio(squares, kind, ratio);
      double smallest_in = std::numeric_limits<double>::infinity();
      double largest_out = -1;
      std::size_t count = 0;
      for (const auto &[sum, corner] : groups) {
        const bool in = selected(bits, squares, corner.first, corner.second);
        for (Eigen::Index n = corner.first; n < std::min(corner.first + outputs, squares.rows()); ++n)
          for (Eigen::Index c = corner.second; c < std::min(corner.second + inputs, squares.cols()); ++c)
            REQUIRE(selected(bits, squares, n, c) == in);
        count += in ? 1 : 0;
        (in ? smallest_in : largest_out) = in ? std::min(smallest_in, sum) : std::max(largest_out, sum);
      }
      CHECK(count == static_cast<std::size_t>(std::lround(ratio * static_cast<double>(groups.size()))));
      CHECK(smallest_in >= largest_out);
    }
  };
  check(TwoWordGroups::element, 1, 1);
  check(TwoWordGroups::filter, 1, squares.cols());
  check(TwoWordGroups::group, 1, 4);
  check(TwoWordGroups::tile, 64, 4);
}

TEST_CASE("layers that compete for second words get them where a weight gains most") {
  const RowMatrix first = random_squares(40, 24);
  const RowMatrix second = 3 * random_squares(64, 20);
  for (const TwoWordGroups kind : {TwoWordGroups::group, TwoWordGroups::filter, TwoWordGroups::element})
    for (const double ratio : {0.1, 0.4, 0.9}) {
      CAPTURE(static_cast<int>(kind), ratio);
      GroupGains gains;
      add_gains(first, kind, gains);
      add_gains(second, kind, gains);
      const double least = least_gain(gains, ratio);
      const std::vector<bool> of_first = select_by_gain(first, kind, least);
      const std::vector<bool> of_second = select_by_gain(second, kind, least);
      const auto count = [](const std::vector<bool> &bits) {
        return static_cast<double>(std::count(bits.begin(), bits.end(), true));
      };
      const double weights = static_cast<double>(first.size() + second.size());
      CHECK(count(of_first) + count(of_second) <= ratio * weights);
      CHECK(count(of_first) + count(of_second) > ratio * weights - 25);
      // Within a layer they are the ones that its own share selects.
      const double groups = static_cast<double>(kind == TwoWordGroups::element ? first.size()
                                                : kind == TwoWordGroups::group ? first.size() / 4
                                                                               : first.rows());
      CHECK(of_first ==
            select_by_ratio(first, kind,
                            std::round(count(of_first) / static_cast<double>(first.size()) * groups) / groups));
      if (kind != TwoWordGroups::filter)
        CHECK(count(of_second) / static_cast<double>(second.size()) >
              count(of_first) / static_cast<double>(first.size()));
    }
  CHECK(least_gain({{1, 4}, {2, 4}}, 0.4) == std::numeric_limits<double>::infinity());
  CHECK(least_gain({{1, 4}, {2, 4}}, 1) == 1);
}

} // namespace intvit::stlq
