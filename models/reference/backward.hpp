// The gradient of a model's outputs in what its linear maps give, by the chain rule, from the last part to the first.
// A quantizer learns from it what an error costs: one of the same size changes the outputs a hundred times more in one
// place than in another.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "engine/image/image.hpp"
#include "models/architectures/network.hpp"

namespace intvit::reference {

enum class BlockMap : std::uint8_t { qkv, proj, gate, fc1, fc2 };

// `gradient` [T, out] is that of one of the sums asked for in the outputs of the map, of the block that is the
// `block`-th.
using GradientObserver = std::function<void(int block, BlockMap map, const MatrixView &gradient)>;

// One image's forward, kept as far as going back needs it.
class Gradients {
public:
  // As reference::forward() goes. Keeps a reference to the network, which merges no tokens (std::invalid_argument where
  // it does: what tokens merge does not depend on them smoothly).
  Gradients(const Network &network, const Image &pixels);

  const RowVector &outputs() const { return outputs_; }

  // For each of `weights` [outputs], the gradients of the sum of the outputs times these weights. All maps of all
  // blocks are observed, the last block first, for one sum after the other in each.
  void walk_back(std::span<const RowVector> weights, const GradientObserver &observe) const;

private:
  const Network &network_;
  std::vector<RowMatrix> streams_; // what each part of the body reads, and at last what the end reads
  RowVector outputs_;
};

} // namespace intvit::reference
