#include "models/quantize/linear/two_words.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

namespace intvit {

namespace {

using Eigen::Index;

// How weights are grouped: group of [output, input] = row_group * groups_in_a_row + column_group.
struct Groups {
  Index outputs; // in a group
  Index inputs;
  Index in_a_row;
  Index count;

  Groups(const RowMatrix &weights, TwoWordGroups kind) : outputs(1), inputs(1) {
    if (kind == TwoWordGroups::filter)
      inputs = weights.cols();
    if (kind == TwoWordGroups::tile)
      outputs = kernels::word_tile_outputs;
    if (kind == TwoWordGroups::tile || kind == TwoWordGroups::group)
      inputs = kernels::word_group_inputs;
    in_a_row = (weights.cols() + inputs - 1) / inputs;
    count = (weights.rows() + outputs - 1) / outputs * in_a_row;
  }

  std::size_t of(Index output, Index input) const {
    return static_cast<std::size_t>(output / outputs * in_a_row + input / inputs);
  }
};

std::vector<double> group_sums(const RowMatrix &squares, const Groups &groups) {
  std::vector<double> sums(static_cast<std::size_t>(groups.count));
  for (Index n = 0; n < squares.rows(); ++n)
    for (Index c = 0; c < squares.cols(); ++c)
      sums[groups.of(n, c)] += static_cast<double>(squares(n, c));
  return sums;
}

std::vector<bool> members(const RowMatrix &weights, const Groups &groups, const std::vector<bool> &selected) {
  std::vector<bool> result(static_cast<std::size_t>(weights.size()));
  for (Index n = 0; n < weights.rows(); ++n)
    for (Index c = 0; c < weights.cols(); ++c)
      result[static_cast<std::size_t>(n * weights.cols() + c)] = selected[groups.of(n, c)];
  return result;
}

} // namespace

FourBitWeights words_of(kernels::WeightFormat format, const std::vector<std::int8_t> &values, int out) {
  Result<FourBitWeights> words = encode_four_bit_values(format, out, static_cast<int>(values.size()) / out, values);
  if (!words.ok())
    throw std::logic_error(words.status().message());
  return std::move(*words);
}

std::vector<bool> select_by_ratio(const RowMatrix &squared_residuals, TwoWordGroups kind, double ratio) {
  const Groups groups(squared_residuals, kind);
  const std::vector<double> sums = group_sums(squared_residuals, groups);
  std::vector<std::size_t> ranking(sums.size());
  std::iota(ranking.begin(), ranking.end(), std::size_t{0});
  std::stable_sort(ranking.begin(), ranking.end(), [&](std::size_t a, std::size_t b) { return sums[a] > sums[b]; });
  ranking.resize(static_cast<std::size_t>(std::lround(ratio * static_cast<double>(sums.size()))));
  std::vector<bool> selected(sums.size());
  for (const std::size_t group : ranking)
    selected[group] = true;
  return members(squared_residuals, groups, selected);
}

} // namespace intvit
