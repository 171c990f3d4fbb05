// The values of words of four bits, and the selection of weights with second words.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <random>
#include <set>
#include <utility>
#include <vector>

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

RowMatrix random_matrix(Eigen::Index rows, Eigen::Index columns, unsigned seed) {
  std::mt19937 generator(seed);
  RowMatrix matrix(rows, columns);
  for (Eigen::Index i = 0; i < matrix.size(); ++i)
    matrix.data()[i] = static_cast<float>(std::pow(uniform(generator), 3));
  return matrix;
}

Eigen::ArrayXd positive(Eigen::Index count, unsigned seed) {
  std::mt19937 generator(seed);
  Eigen::ArrayXd values(count);
  for (double &value : values)
    value = 1.1 + uniform(generator);
  return values;
}

// A map and what its errors cost.
struct Map {
  RowMatrix weight;
  Eigen::ArrayXd input_scale;
  Eigen::ArrayXd variance;
  Eigen::ArrayXd output_costs;
  WordGrid grid;
  const FourBitStorage &storage;

  Map(const FourBitStorage &written, Eigen::Index out, Eigen::Index in, unsigned seed)
      : weight(random_matrix(out, in, seed)), input_scale(positive(in, seed + 1)), variance(positive(in, seed + 2)),
        output_costs(positive(out, seed + 3)), grid(written, in), storage(written) {}
  WordProblem problem() const {
    static constexpr std::array percent{110.0, 70.0, 40.0, 25.0};
    return {weight, input_scale, variance, output_costs, storage, grid, {percent, 0.05}};
  }

  // The error of a row with a scale, of groups those with second words that gain by it at the price; and how many
  // weights have them.
  std::pair<double, int> cost(Eigen::Index row, double scale, double price) const {
    double sum = 0;
    int count = 0;
    for (Eigen::Index begin = 0; begin < weight.cols(); begin += storage.group_inputs) {
      const Eigen::Index end = std::min(begin + storage.group_inputs, weight.cols());
      double one = 0;
      double two = 0;
      for (Eigen::Index c = begin; c < end; ++c) {
        const double real = static_cast<double>(weight(row, c)) * input_scale[c];
        const auto error = [&](bool second) {
          const double left = real - scale * grid.values(second)(real / scale);
          return left * left * variance[c] * output_costs[row];
        };
        one += error(false);
        two += error(true);
      }
      const double bought = two + price * static_cast<double>(end - begin);
      sum += std::min(one, bought);
      count += bought <= one && two < one ? static_cast<int>(end - begin) : 0;
    }
    return {sum, count};
  }
};

} // namespace

TEST_CASE("the nearest value is that of all words that a file can hold") {
  for (const FourBitStorage &storage : four_bit_storages)
    for (const bool two_words : {false, true}) {
      CAPTURE(storage.first(), two_words);
      const NearestValues nearest_value(storage, two_words);
      const kernels::WeightFormat format = storage.format;
      std::set<int> levels;
      if (format == kernels::WeightFormat::int4_wide) {
        for (int level = two_words ? -64 : -16; level <= (two_words ? 62 : 14); level += 2)
          levels.insert(level);
      } else if (format == kernels::WeightFormat::int4) {
        for (int first = -7; first <= 7; ++first)
          for (int second = two_words ? -8 : 0; second <= (two_words ? 7 : 0);
               second += storage.second_bits == 2 ? 4 : 1)
            levels.insert(16 * first + second);
      } else {
        for (int first = -7; first <= 7; ++first) {
          const double value = expected_value(first, 128);
          if (!two_words)
            levels.insert(static_cast<int>(value));
          else if (storage.second_bits == 2)
            for (const double part : {1.0, 1.25, 0.75, 0.875})
              levels.insert(static_cast<int>(value * part == std::trunc(value * part) ? value * part : value));
          else
            for (int second = -7; second <= 7; ++second)
              levels.insert(std::clamp(static_cast<int>(value + expected_value(second, 128)), -127, 127));
        }
      }
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

TEST_CASE("every row takes the scale and the second words that cost least at a price") {
  for (const FourBitStorage *storage : {storage_of(WeightLevels::int4, 8), storage_of(WeightLevels::stlq, 8),
                                        storage_of(WeightLevels::int4, 4), storage_of(WeightLevels::stlq, 4)})
    for (const double price : {0.0, 1e-6, 1e-5, 1e-4, 1e-3, std::numeric_limits<double>::infinity()}) {
      CAPTURE(storage->first(), price);
      const Map map(*storage, 20, 46, 5); // the last group is not whole
      const WordChoice choice = choose_words(map.problem(), price, 2);
      for (Eigen::Index row = 0; row < 20; ++row) {
        const double largest =
            (map.weight.row(row).transpose().array().cast<double>() * map.input_scale).abs().maxCoeff();
        const auto [own, count] = map.cost(row, choice.scale[row], std::min(price, 1e9));
        for (const double percent : {110.0, 70.0, 40.0, 25.0}) {
          const double scale = std::min(largest * percent / 100 / map.grid.largest(), 0.05);
          CHECK(own <= map.cost(row, scale, std::min(price, 1e9)).first * (1 + 1e-9));
        }
        const auto begin = choice.two_words.begin() + row * 46;
        CHECK(std::count(begin, begin + 46, true) == count);
        for (Eigen::Index c = 0; c < 46; ++c)
          CHECK(begin[c] == begin[c / storage->group_inputs * storage->group_inputs]);
      }
    }
}

TEST_CASE("at the price of a ratio so many weights of all maps have second words") {
  for (const FourBitStorage *storage : {storage_of(WeightLevels::int4, 8), storage_of(WeightLevels::stlq, 8),
                                        storage_of(WeightLevels::int4, 4), storage_of(WeightLevels::stlq, 4)}) {
    std::vector<Map> maps;
    maps.emplace_back(*storage, 200, 48, 11);
    maps.emplace_back(*storage, 50, 104, 17);
    maps.back().output_costs *= 100;
    WordDemand demand;
    WordDemand alone;
    for (const Map &map : maps) {
      demand.add(map.problem(), 2);
      alone.add(map.problem(), 1);
    }
    double all = 0; // that gain by second words
    for (const double ratio : {1.0, 0.0, 0.02, 0.2, 0.5, 0.7}) {
      CAPTURE(storage->first(), ratio);
      CHECK(demand.price(ratio) == alone.price(ratio)); // for any number of threads
      double with_second = 0;
      std::vector<double> shares;
      for (const Map &map : maps) {
        const std::vector<bool> bits = choose_words(map.problem(), demand.price(ratio), 2).two_words;
        const auto count = static_cast<double>(std::count(bits.begin(), bits.end(), true));
        with_second += count;
        shares.push_back(count / static_cast<double>(bits.size()));
      }
      const double share = with_second / (200 * 48 + 50 * 104);
      if (ratio == 1)
        all = share;
      CHECK(share == Approx(std::min(ratio, all)).margin(0.02));
      if (ratio > 0 && share < all) // they go where errors cost more
        CHECK(shares[1] > shares[0]);
    }
  }
}

} // namespace intvit::stlq
