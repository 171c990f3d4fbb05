#include "models/reference/merging.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "models/reference/attention.hpp"

namespace intvit::reference {

namespace {

std::size_t index(Eigen::Index i) {
  return static_cast<std::size_t>(i);
}

// The tokens that may merge, in their order.
std::vector<Eigen::Index> merging_tokens(const BlockConfig &config, const TokenMerging &merging, const MatrixView &qkv,
                                         const std::vector<float> &sizes) {
  std::vector<Eigen::Index> tokens(index(qkv.rows() - merging.first));
  std::iota(tokens.begin(), tokens.end(), Eigen::Index{merging.first});
  if (merging.important == 0)
    return tokens;
  const RowVector importance = first_token_attention(config, qkv, sizes);
  std::stable_sort(tokens.begin(), tokens.end(),
                   [&](Eigen::Index a, Eigen::Index b) { return importance[a] > importance[b]; });
  tokens.erase(tokens.begin(), tokens.begin() + merging.important);
  std::sort(tokens.begin(), tokens.end());
  return tokens;
}

} // namespace

std::vector<int> merge_tokens(const BlockConfig &config, const TokenMerging &merging, const MatrixView &qkv,
                              TokenStream &stream) {
  const Eigen::Index count = qkv.rows();
  const Eigen::Index channels = qkv.cols() / 3;
  if (stream.sizes.empty())
    stream.sizes.assign(index(count), 1.0F);
  const std::vector<Eigen::Index> tokens = merging_tokens(config, merging, qkv, stream.sizes);
  struct Pair {
    float distance;
    Eigen::Index source;
    Eigen::Index destination;
  };
  std::vector<Pair> pairs;
  for (std::size_t a = 0; a < tokens.size(); a += 2) {
    Pair closest{INFINITY, tokens[a], 0};
    for (std::size_t b = 1; b < tokens.size(); b += 2) {
      float distance = 0;
      for (Eigen::Index c = channels; c < 2 * channels; ++c) {
        const float difference = qkv(tokens[a], c) - qkv(tokens[b], c);
        distance += difference * difference;
      }
      if (distance < closest.distance)
        closest = {distance, tokens[a], tokens[b]};
    }
    pairs.push_back(closest);
  }
  std::stable_sort(pairs.begin(), pairs.end(), [](const Pair &a, const Pair &b) { return a.distance < b.distance; });
  pairs.resize(static_cast<std::size_t>(merging.pairs));

  std::vector<Eigen::Index> into(index(count));
  std::iota(into.begin(), into.end(), Eigen::Index{0});
  for (const Pair &pair : pairs)
    into[index(pair.source)] = pair.destination;
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
