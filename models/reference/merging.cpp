#include "models/reference/merging.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "models/reference/attention.hpp"
#include "models/reference/matmul.hpp"

namespace intvit::reference {

namespace {

std::size_t index(Eigen::Index i) {
  return static_cast<std::size_t>(i);
}

// A unit of the importance that integer models know.
constexpr float importance_unit = 0x1p-16F;

struct Pair {
  float cost;
  Eigen::Index source;
  Eigen::Index destination;
};

// Every token that may merge but the most important one, with the closest of those that are more important, in the
// order in which they merge.
std::vector<Pair> partners(const TokenMerging &merging, const MatrixView &keys, const RowVector &importance) {
  std::vector<Eigen::Index> tokens(index(keys.rows() - merging.first));
  std::iota(tokens.begin(), tokens.end(), Eigen::Index{merging.first});
  std::stable_sort(tokens.begin(), tokens.end(),
                   [&](Eigen::Index a, Eigen::Index b) { return importance[a] > importance[b]; });
  const RowMatrix products = matmul_transposed(keys, keys);
  const auto squared_distance = [&](Eigen::Index a, Eigen::Index b) {
    return std::max(0.0F, products(a, a) + products(b, b) - 2 * products(a, b));
  };
  std::vector<Pair> pairs;
  for (std::size_t i = 1; i < tokens.size(); ++i) {
    Pair closest{INFINITY, tokens[i], 0};
    for (std::size_t j = 0; j < i; ++j)
      if (const float distance = squared_distance(tokens[i], tokens[j]); distance < closest.cost)
        closest = {distance, tokens[i], tokens[j]};
    closest.cost *= importance[tokens[i]] + importance_unit;
    pairs.push_back(closest);
  }
  std::sort(pairs.begin(), pairs.end(),
            [](const Pair &a, const Pair &b) { return std::pair(a.cost, a.source) < std::pair(b.cost, b.source); });
  return pairs;
}

// Where each token goes: into itself, or into one that stays.
std::vector<Eigen::Index> destinations(const std::vector<Pair> &pairs, int wanted, Eigen::Index count) {
  std::vector<Eigen::Index> into(index(count));
  std::iota(into.begin(), into.end(), Eigen::Index{0});
  std::vector<bool> is_destination(index(count));
  const auto merges = [&](Eigen::Index token) { return into[index(token)] != token; };
  // The second time those merge whose partner has itself merged the first time.
  for (const bool again : {false, true})
    for (const Pair &pair : pairs) {
      if (wanted == 0)
        return into;
      if (is_destination[index(pair.source)] || merges(pair.source) || merges(pair.destination) != again)
        continue;
      const Eigen::Index destination = into[index(pair.destination)];
      into[index(pair.source)] = destination;
      is_destination[index(destination)] = true;
      --wanted;
    }
  return into;
}

} // namespace

std::vector<int> merge_tokens(const BlockConfig &config, const TokenMerging &merging, const MatrixView &qkv,
                              TokenStream &stream) {
  const Eigen::Index count = qkv.rows();
  const Eigen::Index channels = qkv.cols() / 3;
  if (stream.sizes.empty())
    stream.sizes.assign(index(count), 1.0F);
  const RowVector importance =
      merging.weighted ? first_token_attention(config, qkv, stream.sizes) : RowVector(RowVector::Zero(count));
  const std::vector<Eigen::Index> into =
      destinations(partners(merging, qkv.middleCols(channels, channels), importance), merging.pairs, count);
  std::vector<int> row_of(index(count));
  int rows = 0;
  for (Eigen::Index token = 0; token < count; ++token)
    if (into[index(token)] == token)
      row_of[index(token)] = rows++;
  std::vector<int> groups(index(count));
  TokenStream merged{RowMatrix::Zero(rows, stream.rows.cols()), std::vector<float>(index(rows))};
  for (Eigen::Index token = 0; token < count; ++token) {
    const int group = row_of[index(into[index(token)])];
    groups[index(token)] = group;
    merged.rows.row(group) += stream.sizes[index(token)] * stream.rows.row(token);
    merged.sizes[index(group)] += stream.sizes[index(token)];
  }
  for (int row = 0; row < rows; ++row)
    merged.rows.row(row) /= merged.sizes[index(row)];
  stream = std::move(merged);
  return groups;
}

} // namespace intvit::reference
