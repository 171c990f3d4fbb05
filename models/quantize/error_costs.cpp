#include "models/quantize/error_costs.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include "models/architectures/token_schedule.hpp"
#include "models/parallel.hpp"

namespace intvit {

namespace {

using Eigen::ArrayXd;
using reference::BlockMap;

constexpr int sums = 2; // of outputs, of an image

std::size_t place_of(BlockMap map) {
  return static_cast<std::size_t>(map);
}

// How many images to look at: 48, of large models fewer, so that this takes seconds.
std::size_t images_of(const Network &network, std::size_t count) {
  constexpr double work = 48.0 * 20e9; // multiply-accumulates
  const auto wanted = static_cast<std::size_t>(work / static_cast<double>(multiply_accumulates(network)));
  return std::min(count, std::clamp<std::size_t>(wanted, 16, 48));
}

// Sums of the outputs with random signs: the mean square of such a sum's gradient is the sum of the squares of the
// outputs' gradients. What all logits have in common decides nothing. Over the outputs' length, so that images count
// alike.
std::vector<RowVector> random_sums(const Network &network, const RowVector &outputs, std::uint32_t seed) {
  std::mt19937 random(seed);
  double mean = 0;
  double squares = 0;
  const bool classes = network.end.classes > 0;
  const auto count = static_cast<double>(outputs.size());
  for (const float output : outputs) {
    mean += classes ? static_cast<double>(output) / count : 0.0;
    squares += static_cast<double>(output) * static_cast<double>(output);
  }
  const double length = std::sqrt(std::max(squares - count * mean * mean, 1e-30));
  std::vector<RowVector> result;
  for (int sum = 0; sum < sums; ++sum) {
    RowVector signs(outputs.size());
    double common = 0;
    for (float &sign : signs) {
      sign = (random() & 0x10000U) == 0 ? -1.0F : 1.0F;
      common += classes ? static_cast<double>(sign) / count : 0.0;
    }
    for (float &sign : signs)
      sign = static_cast<float>((static_cast<double>(sign) - common) / length);
    result.push_back(std::move(signs));
  }
  return result;
}

// Adds the squares of a gradient [T, out].
void add_squares(const MatrixView &gradient, MapCosts &costs) {
  if (costs.outputs.size() == 0)
    costs = {ArrayXd::Zero(gradient.cols()), ArrayXd::Zero(gradient.rows())};
  for (Eigen::Index row = 0; row < gradient.rows(); ++row) {
    double sum = 0;
    const float *values = gradient.row(row).data();
    for (Eigen::Index n = 0; n < gradient.cols(); ++n) {
      const double square = static_cast<double>(values[n]) * static_cast<double>(values[n]);
      costs.outputs[n] += square;
      sum += square;
    }
    costs.tokens[row] += sum;
  }
}

void add(const MapCosts &more, MapCosts &costs) {
  if (costs.outputs.size() == 0)
    costs = more;
  else {
    costs.outputs += more.outputs;
    costs.tokens += more.tokens;
  }
}

// In order: Eigen's sums depend on the vectors' width.
double ordered_sum(const ArrayXd &values) {
  double sum = 0;
  for (const double value : values)
    sum += value;
  return sum;
}

// Half of what a token weighs is given: what was seen of few images says little about others.
constexpr double certainty = 0.5;

// The weights of the sampled rows, of mean 1. Of every image the first token was sampled and some of the others, so
// that one of their rows stands for several tokens.
ArrayXd row_weights(const std::vector<int> &rows, const ArrayXd &tokens) {
  const auto images = static_cast<double>(std::count(rows.begin(), rows.end(), 0));
  const double others = (static_cast<double>(tokens.size()) - 1) * images / (static_cast<double>(rows.size()) - images);
  ArrayXd weights(static_cast<Eigen::Index>(rows.size()));
  for (std::size_t i = 0; i < rows.size(); ++i)
    weights[static_cast<Eigen::Index>(i)] = (rows[i] == 0 ? 1 : others) * (1 - certainty + certainty * tokens[rows[i]]);
  return weights * (static_cast<double>(rows.size()) / ordered_sum(weights));
}

} // namespace

ErrorCosts::ErrorCosts(const Network &network, std::span<const Image> images, int threads)
    : blocks_(static_cast<std::size_t>(network.blocks())) {
  const std::size_t count = images_of(network, images.size());
  std::vector<std::vector<OfBlock>> costs(count, std::vector<OfBlock>(blocks_.size()));
  parallel_for(threads, count, [&](std::size_t i, std::size_t) {
    const reference::Gradients gradients(network, images[i * images.size() / count]);
    gradients.walk_back(random_sums(network, gradients.outputs(), static_cast<std::uint32_t>(i)),
                        [&](int block, BlockMap map, const MatrixView &gradient) {
                          add_squares(gradient, costs[i][static_cast<std::size_t>(block)][place_of(map)]);
                        });
  });
  for (const std::vector<OfBlock> &of_image : costs)
    for (std::size_t block = 0; block < blocks_.size(); ++block)
      for (std::size_t map = 0; map < blocks_[block].size(); ++map)
        if (of_image[block][map].outputs.size() > 0)
          add(of_image[block][map], blocks_[block][map]);
  for (OfBlock &block : blocks_)
    for (MapCosts &map : block)
      if (map.outputs.size() > 0) {
        map.outputs /= static_cast<double>(count * sums);
        map.tokens *= static_cast<double>(map.tokens.size()) / std::max(ordered_sum(map.tokens), 1e-300);
      }
}

int ErrorCosts::tokens(int block) const {
  return static_cast<int>(blocks_[static_cast<std::size_t>(block)][place_of(BlockMap::qkv)].tokens.size());
}

void ErrorCosts::weigh(SiteSamples &samples, int block, BlockMap map, bool merged) const {
  const OfBlock &costs = blocks_[static_cast<std::size_t>(block)];
  ArrayXd outputs = costs[place_of(map)].outputs;
  ArrayXd tokens = costs[place_of(map)].tokens;
  const MapCosts &gate = costs[place_of(BlockMap::gate)];
  if (map == BlockMap::fc1 && gate.outputs.size() > 0) {
    outputs.resize(gate.outputs.size() + costs[place_of(map)].outputs.size());
    outputs << gate.outputs, costs[place_of(map)].outputs;
    tokens = (tokens + gate.tokens) / 2;
  }
  samples.output_costs = outputs;
  for (std::size_t half = 0; half < 2; ++half)
    if (!merged)
      samples.row_weights[half] = row_weights(samples.tokens[half], tokens);
}

} // namespace intvit
