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
  const std::vector<Int> importance =
      reader.node.at("weighted").get<bool>() ? importance_of(reader, qkv, sizes) : std::vector<Int>(qkv.rows);
  std::vector<std::size_t> ranked(qkv.rows - first);
  std::iota(ranked.begin(), ranked.end(), first);
  std::stable_sort(ranked.begin(), ranked.end(),
                   [&](std::size_t a, std::size_t b) { return importance[a] > importance[b]; });
  struct Pair {
    Int cost;
    std::size_t source;
    std::size_t partner;
  };
  std::vector<Pair> pairs;
  for (std::size_t i = 1; i < ranked.size(); ++i) {
    Pair closest{power_of_two(100), ranked[i], 0};
    for (std::size_t j = 0; j < i; ++j)
      if (const Int distance = squared_distance(qkv, ranked[i], ranked[j]); distance < closest.cost)
        closest = {distance, ranked[i], ranked[j]};
    closest.cost = within(closest.cost * (importance[ranked[i]] + 1), 64);
    pairs.push_back(closest);
  }
  std::sort(pairs.begin(), pairs.end(),
            [](const Pair &a, const Pair &b) { return a.cost != b.cost ? a.cost < b.cost : a.source < b.source; });

  Table groups(3, qkv.rows);
  std::vector<std::size_t> destination(qkv.rows);
  std::iota(destination.begin(), destination.end(), std::size_t{0});
  std::vector<bool> stays(qkv.rows); // as others merge into it
  Int left = reader.integer("pairs");
  std::vector<Pair> waiting;
  const auto merge = [&](const Pair &pair, std::size_t into) {
    destination[pair.source] = into;
    stays[into] = true;
    --left;
  };
  for (const Pair &pair : pairs)
    if (left > 0 && !stays[pair.source]) {
      if (destination[pair.partner] == pair.partner)
        merge(pair, pair.partner);
      else
        waiting.push_back(pair);
    }
  for (const Pair &pair : waiting)
    if (left > 0 && !stays[pair.source])
      merge(pair, destination[pair.partner]);
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
