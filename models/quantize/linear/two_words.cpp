#include "models/quantize/linear/two_words.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
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

  Index weights() const { return outputs * inputs; }
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

// Per weight, as groups of different layers may be of different sizes.
float gain_of(double sum, const Groups &groups) {
  return static_cast<float>(sum / static_cast<double>(groups.weights()));
}

} // namespace

FourBitWeights words_of(kernels::WeightFormat format, const std::vector<std::int8_t> &values, int out) {
  Result<FourBitWeights> words = encode_four_bit_values(format, out, static_cast<int>(values.size()) / out, values);
  if (!words.ok())
    throw std::logic_error(words.status().message());
  return std::move(*words);
}

std::vector<bool> select_by_gain(const RowMatrix &squared_residuals, TwoWordGroups kind, double least) {
  const Groups groups(squared_residuals, kind);
  const std::vector<double> sums = group_sums(squared_residuals, groups);
  std::vector<bool> selected(sums.size());
  for (std::size_t group = 0; group < sums.size(); ++group)
    selected[group] = gain_of(sums[group], groups) >= static_cast<float>(least);
  return members(squared_residuals, groups, selected);
}

void add_gains(const RowMatrix &squared_residuals, TwoWordGroups kind, GroupGains &gains) {
  const Groups groups(squared_residuals, kind);
  for (const double sum : group_sums(squared_residuals, groups))
    gains.push_back({gain_of(sum, groups), static_cast<float>(groups.weights())});
}

double least_gain(GroupGains ranking, double ratio) {
  std::sort(ranking.begin(), ranking.end(), [](const GroupGain &a, const GroupGain &b) { return a.gain > b.gain; });
  double wanted = 0;
  for (const GroupGain &group : ranking)
    wanted += ratio * static_cast<double>(group.weights);
  double least = std::numeric_limits<double>::infinity();
  for (const GroupGain &group : ranking) {
    wanted -= static_cast<double>(group.weights);
    if (wanted < 0)
      break;
    least = static_cast<double>(group.gain);
  }
  return least;
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
