// AdamW, and Muon for the matrices of the blocks.
#pragma once

#include <cstdint>
#include <string>
#include <torch/types.h>
#include <vector>

#include "train/vit.hpp"

namespace intvit::train {

enum class OptimizerKind : std::uint8_t {
  adamw, // Loshchilov and Hutter, 2017
  // Momentum, orthogonalized by five Newton-Schulz iterations (Jordan et al., 2024), scaled to AdamW's usual update
  // size (Liu et al., 2025: 0.2 * sqrt(max(rows, columns))) so that learning rate and weight decay mean the same; AdamW
  // for what is not a block's matrix.
  muon,
};

class Optimizer {
public:
  // Keeps the parameters' tensors. Weight decay applies to matrices only: not to norms, biases, class token, positions.
  Optimizer(const std::vector<StateTensor> &parameters, OptimizerKind kind, double weight_decay);

  // Scales all gradients so that their common norm is at most `limit`; returns the norm before.
  double clip_gradients(double limit);
  // One update, with the gradients of the parameters, which it clears. `step` counts from 0.
  void update(double learning_rate, std::uint64_t step);

  // The state to store with a checkpoint: named tensors, the optimizer's own.
  std::vector<StateTensor> state() const;

private:
  struct Slot {
    StateTensor parameter;
    bool decays;
    bool orthogonal;        // updated by Muon
    torch::Tensor momentum; // of the gradient
    torch::Tensor variance; // running mean of the squared gradient; AdamW only
  };

  void update_adamw(Slot &slot, double learning_rate, std::uint64_t step);
  void update_muon(double learning_rate);

  std::vector<Slot> slots_;
  double weight_decay_;
};

// The matrices of a batch [N, rows, columns], rows <= columns, with all singular values moved to about 1.
torch::Tensor orthogonalize(const torch::Tensor &matrices);

} // namespace intvit::train
