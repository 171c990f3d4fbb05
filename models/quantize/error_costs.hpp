// What an error in the outputs of a block's linear maps costs: how much it changes what the model gives.
#pragma once

#include <array>
#include <span>
#include <vector>

#include <Eigen/Core>

#include "engine/image/image.hpp"
#include "models/architectures/network.hpp"
#include "models/quantize/calibration.hpp"
#include "models/reference/backward.hpp"

namespace intvit {

// Of one map, by the mean squared gradient of the model's outputs. An error e of the n-th output in the t-th token
// changes them by about e^2 outputs[n] tokens[t] / T, squared and over their own square.
struct MapCosts {
  Eigen::ArrayXd outputs; // [out]
  Eigen::ArrayXd tokens;  // [T], of mean 1
};

// Of all maps of all blocks of a network that merges no tokens. Takes some of the images, by the model's size; the same
// images give the same costs whatever the number of threads.
class ErrorCosts {
public:
  ErrorCosts(const Network &network, std::span<const Image> images, int threads);

  int tokens(int block) const;

  // Samples of the input of a block's map come to weigh by their tokens and to know the costs of the map's outputs. Of
  // a gated MLP BlockMap::fc1 stands for the gate and the first map, one behind the other. Rows that are no tokens of
  // their own, as others have merged into them, weigh alike.
  void weigh(SiteSamples &samples, int block, reference::BlockMap map, bool merged) const;

private:
  using OfBlock = std::array<MapCosts, 5>; // by BlockMap
  std::vector<OfBlock> blocks_;
};

} // namespace intvit
