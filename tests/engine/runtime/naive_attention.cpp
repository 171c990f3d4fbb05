#include <algorithm>

#include "tests/engine/runtime/naive_values.hpp"

namespace intvit::test {
namespace {

// The weights of one row of distances, and what they are divided by.
std::vector<Int> softmax(const NodeReader &reader, const std::vector<Int> &distances, Int &divisor) {
  const int units = reader.integer("units_per_octave");
  const auto exp = [&](Int distance) {
    const Int rest = distance % units;
    const Int polynomial = rest * rest - reader.integer("exp_linear") * rest + reader.integer("exp_constant");
    const Int scaled = std::max<Int>(polynomial, 0) * power_of_two(reader.integer("exp_octaves"));
    return within(scaled, 64) /
           power_of_two(static_cast<int>(distance / units) > 100 ? 100 : static_cast<int>(distance / units));
  };
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

} // namespace

Table naive_attention(const NodeReader &reader, const Table &qkv) {
  const std::size_t channels = qkv.columns / 3;
  const auto heads = static_cast<std::size_t>(reader.integer("heads"));
  const std::size_t head_dim = channels / heads;
  const auto queries = static_cast<std::size_t>(reader.integer("queries"));
  const std::vector<Int> score_multiplier = reader.constant("score_multiplier");
  const Int score_unit = power_of_two(reader.integer("score_shift"));
  const Requantizer requantize(reader);
  Table output(queries == 0 ? qkv.rows : queries, channels);
  for (std::size_t head = 0; head < heads; ++head)
    for (std::size_t i = 0; i < output.rows; ++i) {
      std::vector<Int> distances(qkv.rows);
      for (std::size_t j = 0; j < qkv.rows; ++j)
        for (std::size_t d = head * head_dim; d < (head + 1) * head_dim; ++d)
          distances[j] += qkv.at(i, d) * qkv.at(j, channels + d);
      const Int largest = *std::max_element(distances.begin(), distances.end());
      for (Int &distance : distances)
        distance = std::min<Int>(
            floor_divide(within((largest - distance) * score_multiplier.at(head) + score_unit / 2, 33), score_unit),
            255);
      Int divisor = 0;
      const std::vector<Int> weights = softmax(reader, distances, divisor);
      int doublings = 0;
      for (; divisor < power_of_two(30); divisor *= 2)
        ++doublings;
      for (std::size_t d = head * head_dim; d < (head + 1) * head_dim; ++d) {
        Int sum = 0;
        for (std::size_t j = 0; j < qkv.rows; ++j)
          sum += weights[j] * qkv.at(j, 2 * channels + d);
        output.at(i, d) = saturate(requantize(divide_by_row_constant(sum, divisor, doublings), d), -128, 127);
      }
    }
  return output;
}

} // namespace intvit::test
