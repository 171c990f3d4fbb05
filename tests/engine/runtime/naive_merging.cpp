#include <algorithm>
#include <numeric>

#include "tests/engine/runtime/naive_values.hpp"

namespace intvit::test {
namespace {

// What the first token's attention gives each token, over all heads.
std::vector<Int> importance_of(const NodeReader &reader, const Table &qkv, const std::vector<Int> &sizes) {
  std::vector<Int> importance(qkv.rows);
  for (std::size_t head = 0; head < static_cast<std::size_t>(reader.integer("heads")); ++head) {
    std::vector<Int> exps = naive_distances(reader, qkv, sizes, head, 0);
    Int sum = 0;
    for (Int &value : exps) {
      value = naive_exp(reader, value);
      sum += value;
    }
    int doublings = 0;
    for (; sum < power_of_two(30); sum *= 2)
      ++doublings;
    for (std::size_t token = 0; token < qkv.rows; ++token)
      importance[token] += divide_by_row_constant(exps[token], sum, doublings);
  }
  return importance;
}

Int squared_distance(const Table &qkv, std::size_t a, std::size_t b) {
  Int sum = 0;
  for (std::size_t c = qkv.columns / 3; c < qkv.columns / 3 * 2; ++c)
    sum += (qkv.at(a, c) - qkv.at(b, c)) * (qkv.at(a, c) - qkv.at(b, c));
  return within(sum, 32);
}

} // namespace

Table naive_match_tokens(const NodeReader &reader, const Table &qkv, const std::vector<Int> &sizes) {
  const auto first = static_cast<std::size_t>(reader.integer("first"));
  std::vector<std::size_t> merging(qkv.rows - first);
  std::iota(merging.begin(), merging.end(), first);
  if (reader.integer("important") > 0) {
    const std::vector<Int> importance = importance_of(reader, qkv, sizes);
    std::stable_sort(merging.begin(), merging.end(),
                     [&](std::size_t a, std::size_t b) { return importance[a] > importance[b]; });
    merging.erase(merging.begin(), merging.begin() + reader.integer("important"));
    std::sort(merging.begin(), merging.end());
  }
  struct Pair {
    Int distance;
    std::size_t source;
    std::size_t destination;
  };
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < merging.size(); i += 2) {
    Pair closest{power_of_two(100), merging[i], 0};
    for (std::size_t j = 1; j < merging.size(); j += 2)
      if (const Int distance = squared_distance(qkv, merging[i], merging[j]); distance < closest.distance)
        closest = {distance, merging[i], merging[j]};
    pairs.push_back(closest);
  }
  std::stable_sort(pairs.begin(), pairs.end(), [](const Pair &a, const Pair &b) { return a.distance < b.distance; });
  pairs.resize(static_cast<std::size_t>(reader.integer("pairs")));

  Table groups(3, qkv.rows);
  std::vector<std::size_t> destination(qkv.rows);
  std::iota(destination.begin(), destination.end(), std::size_t{0});
  for (const Pair &pair : pairs)
    destination[pair.source] = pair.destination;
  for (std::size_t token = 0; token < qkv.rows; ++token) {
    std::size_t row = 0;
    for (std::size_t before = 0; before < destination[token]; ++before)
      if (destination[before] == before)
        ++row;
    groups.at(0, token) = static_cast<Int>(row);
    groups.at(1, token) = sizes.empty() ? 1 : sizes.at(token);
    groups.at(2, row) += groups.at(1, token);
  }
  return groups;
}

Table naive_merge_tokens(const Table &stream, const Table &groups) {
  const std::vector<Int> sizes = remaining_sizes(groups);
  Table output(sizes.size(), stream.columns);
  for (std::size_t token = 0; token < stream.rows; ++token)
    for (std::size_t c = 0; c < stream.columns; ++c)
      output.at(static_cast<std::size_t>(groups.at(0, token)), c) += groups.at(1, token) * stream.at(token, c);
  for (std::size_t row = 0; row < output.rows; ++row)
    for (std::size_t c = 0; c < output.columns; ++c)
      output.at(row, c) = floor_divide(2 * output.at(row, c) + sizes[row], 2 * sizes[row]);
  return output;
}

std::vector<Int> remaining_sizes(const Table &groups) {
  std::vector<Int> sizes;
  for (std::size_t row = 0; row < groups.columns && groups.at(2, row) > 0; ++row)
    sizes.push_back(groups.at(2, row));
  return sizes;
}

} // namespace intvit::test
