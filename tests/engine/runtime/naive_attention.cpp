#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <stdexcept>

#include "tests/engine/runtime/naive_values.hpp"

namespace intvit::test {
namespace {

// The weights of one row of distances, and what they are divided by.
std::vector<Int> softmax(const NodeReader &reader, const std::vector<Int> &distances, Int &divisor) {
  const auto exp = [&](Int distance) { return naive_exp(reader, distance); };
  std::vector<Int> weights;
  Int sum = 0;
  Int weight_sum = 0;
  for (const Int distance : distances)
    sum += exp(distance);
  within(sum, 32);
  // The nearest power of two to the rounded ratio, 1.5 * 2^k going up.
  const auto log2_of_ratio = [&](Int of) {
    const Int ratio = floor_divide(2 * sum + of, 2 * of);
    int code = 0;
    while (2 * ratio >= 3 * power_of_two(code))
      ++code;
    return code;
  };
  const bool lis8 = reader.node.at("softmax") == "lis8";
  const int log_unit = lis8 ? std::min(15 + log2_of_ratio(exp(0)), 23) : 15; // weights are 2^(log_unit - code)
  for (const Int distance : distances) {
    Int weight = 0;
    if (reader.node.at("softmax") == "int8") {
      if (distance < 255)
        weight = floor_divide(exp(distance) * 255 + exp(0) / 2, exp(0));
    } else if (reader.node.at("softmax") == "int16") {
      // At most 16 bits, and sums over a row below 2^24.
      const Int largest = std::min<Int>(65535, (power_of_two(24) - 1) / static_cast<Int>(distances.size()));
      Int unit = 1;
      while (floor_divide(2 * exp(0) + unit, 2 * unit) > largest)
        unit *= 2;
      if (distance < 255)
        weight = floor_divide(2 * exp(distance) + unit, 2 * unit);
    } else if (exp(distance) > 0 && !(lis8 && distance == 255)) {
      const int code = log2_of_ratio(exp(distance));
      weight = code > log_unit ? 0 : power_of_two(log_unit - code);
    }
    weights.push_back(weight);
    weight_sum += weight;
  }
  const bool log_int = lis8 || reader.node.at("softmax") == "lis4";
  divisor = log_int && !reader.node.at("renormalize").get<bool>() ? power_of_two(log_unit) : weight_sum;
  return weights;
}

// Tokens that attend to one another: which rows they are, and what a query's score of a token is changed by.
struct Group {
  std::vector<std::size_t> rows;
  std::function<Int(std::size_t head, std::size_t query, std::size_t token)> bias;
  std::function<bool(std::size_t query, std::size_t token)> masked; // has no weight
};

// The first `queries` tokens' rows of the output.
void attend(const NodeReader &reader, const Table &qkv, const Group &group, std::size_t queries, Table &output) {
  const std::size_t channels = qkv.columns / 3;
  const auto heads = static_cast<std::size_t>(reader.integer("heads"));
  const std::size_t head_dim = channels / heads;
  const std::vector<Int> score_multiplier = reader.constant("score_multiplier");
  const Int score_unit = power_of_two(reader.integer("score_shift"));
  const Requantizer requantize(reader);
  const std::size_t tokens = group.rows.size();
  for (std::size_t head = 0; head < heads; ++head)
    for (std::size_t i = 0; i < queries; ++i) {
      std::vector<Int> scores(tokens);
      Int largest = -power_of_two(100);
      for (std::size_t j = 0; j < tokens; ++j) {
        for (std::size_t d = head * head_dim; d < (head + 1) * head_dim; ++d)
          scores[j] += qkv.at(group.rows[i], d) * qkv.at(group.rows[j], channels + d);
        scores[j] += group.bias(head, i, j);
        if (!group.masked(i, j))
          largest = std::max(largest, scores[j]);
      }
      std::vector<Int> distances;
      for (std::size_t j = 0; j < tokens; ++j)
        distances.push_back(
            group.masked(i, j)
                ? 255
                : std::min<Int>(
                      floor_divide(within((largest - scores[j]) * score_multiplier.at(head) + score_unit / 2, 33),
                                   score_unit),
                      255));
      Int divisor = 0;
      const std::vector<Int> weights = softmax(reader, distances, divisor);
      for (std::size_t j = 0; j < tokens; ++j)
        if (group.masked(i, j) && weights[j] != 0)
          throw std::logic_error("a masked token has a weight");
      int doublings = 0;
      for (; divisor < power_of_two(30); divisor *= 2)
        ++doublings;
      for (std::size_t d = head * head_dim; d < (head + 1) * head_dim; ++d) {
        Int sum = 0;
        for (std::size_t j = 0; j < tokens; ++j)
          sum += weights[j] * qkv.at(group.rows[j], 2 * channels + d);
        output.at(group.rows[i], d) =
            saturate(requantize(divide_by_row_constant(sum, divisor, doublings), d), -128, 127);
      }
    }
}

// What a token's size adds to its scores: as many octaves as it has doublings, in units of the score.
Int size_bias(const NodeReader &reader, const std::vector<Int> &sizes, std::size_t head, std::size_t token) {
  if (sizes.empty())
    return 0;
  const auto log2 = static_cast<Int>(std::floor(4096 * std::log2(static_cast<double>(sizes.at(token)))));
  const Int multiplier = reader.constant("score_multiplier").at(head);
  const Int dividend = log2 * reader.integer("units_per_octave") * power_of_two(reader.integer("score_shift"));
  return floor_divide(2 * dividend + 4096 * multiplier, 2 * 4096 * multiplier);
}

} // namespace

Int naive_exp(const NodeReader &reader, Int distance) {
  const int units = reader.integer("units_per_octave");
  const Int rest = distance % units;
  const Int polynomial = rest * rest - reader.integer("exp_linear") * rest + reader.integer("exp_constant");
  const Int scaled = std::max<Int>(polynomial, 0) * power_of_two(reader.integer("exp_octaves"));
  return within(scaled, 64) /
         power_of_two(static_cast<int>(distance / units) > 100 ? 100 : static_cast<int>(distance / units));
}

std::vector<Int> naive_distances(const NodeReader &reader, const Table &qkv, const std::vector<Int> &sizes,
                                 std::size_t head, std::size_t query) {
  const std::size_t channels = qkv.columns / 3;
  const std::size_t head_dim = channels / static_cast<std::size_t>(reader.integer("heads"));
  std::vector<Int> scores(qkv.rows);
  for (std::size_t j = 0; j < qkv.rows; ++j) {
    for (std::size_t d = head * head_dim; d < (head + 1) * head_dim; ++d)
      scores[j] += qkv.at(query, d) * qkv.at(j, channels + d);
    scores[j] += size_bias(reader, sizes, head, j);
  }
  const Int largest = *std::max_element(scores.begin(), scores.end());
  const Int unit = power_of_two(reader.integer("score_shift"));
  const Int multiplier = reader.constant("score_multiplier").at(head);
  for (Int &score : scores)
    score = std::min<Int>(floor_divide((largest - score) * multiplier + unit / 2, unit), 255);
  return scores;
}

Table naive_attention(const NodeReader &reader, const Table &qkv, const std::vector<Int> &sizes) {
  const auto queries = static_cast<std::size_t>(reader.integer("queries"));
  Table output(queries == 0 ? qkv.rows : queries, qkv.columns / 3);
  Group group{std::vector<std::size_t>(qkv.rows),
              [&](std::size_t head, std::size_t, std::size_t token) { return size_bias(reader, sizes, head, token); },
              [](auto, auto) { return false; }};
  std::iota(group.rows.begin(), group.rows.end(), std::size_t{0});
  if (reader.node.contains("biased")) {
    const auto shape = reader.shape("relative_bias");
    const auto height = static_cast<int>(shape.at(1) + 1) / 2;
    const auto width = static_cast<int>(shape.at(2) + 1) / 2;
    const int prefix = static_cast<int>(qkv.rows) - height * width;
    const std::vector<Int> biases = reader.constant("relative_bias");
    const std::vector<Int> others = reader.constant("prefix_bias");
    group.bias = [=](std::size_t head, std::size_t i, std::size_t j) {
      const int query = static_cast<int>(i) - prefix;
      const int key = static_cast<int>(j) - prefix;
      if (query < 0 || key < 0)
        return others.at(head * 3 + (query < 0 ? (key < 0 ? 2U : 0U) : 1U));
      const int down = query / width - key / width + height - 1;
      const int right = query % width - key % width + width - 1;
      const int at = (static_cast<int>(head) * (2 * height - 1) + down) * (2 * width - 1) + right;
      return biases.at(static_cast<std::size_t>(at));
    };
  }
  attend(reader, qkv, group, output.rows, output);
  return output;
}

// As Swin's code has it: the grid is rolled by the shift, cut into windows, and tokens see one another where the rolled
// grid's slices [0, -window), [-window, -shift), [-shift, end) of rows and of columns are the same.
Table naive_window_attention(const NodeReader &reader, const Table &qkv) {
  const auto field = [&](const char *name) { return static_cast<std::size_t>(reader.integer(name)); };
  const std::size_t height = field("grid_height");
  const std::size_t width = field("grid_width");
  const std::size_t window = field("window");
  const std::size_t shift = field("window_shift");
  const std::vector<Int> relative_bias = reader.constant("relative_bias");
  const std::size_t side = 2 * window - 1;
  const auto slice = [&](std::size_t at, std::size_t size) {
    return shift == 0 ? 0 : at < size - window ? 0 : at < size - shift ? 1 : 2;
  };
  Table output(qkv.rows, qkv.columns / 3);
  for (std::size_t top = 0; top < height; top += window)
    for (std::size_t left = 0; left < width; left += window) {
      Group group;
      std::vector<int> regions;
      for (std::size_t y = top; y < top + window; ++y)
        for (std::size_t x = left; x < left + window; ++x) {
          group.rows.push_back((y + shift) % height * width + (x + shift) % width);
          regions.push_back(slice(y, height) * 3 + slice(x, width));
        }
      group.bias = [&](std::size_t head, std::size_t i, std::size_t j) {
        const std::size_t y = i / window + window - 1 - j / window;
        const std::size_t x = i % window + window - 1 - j % window;
        return relative_bias.at((head * side + y) * side + x);
      };
      group.masked = [&](std::size_t i, std::size_t j) { return regions[i] != regions[j]; };
      attend(reader, qkv, group, group.rows.size(), output);
    }
  return output;
}

} // namespace intvit::test
