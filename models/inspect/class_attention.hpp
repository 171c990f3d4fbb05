// The class token's attention to the patches of an image: what a picture of it shows.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <Eigen/Core>

#include "engine/image/image.hpp"
#include "engine/runtime/model.hpp"
#include "models/architectures/float_model.hpp"

namespace intvit {

struct AttentionChoice {
  // Attention rollout (Abnar and Zuidema, arXiv 2005.00928) through all blocks instead of the attention of one.
  bool rollout = false;
  // From 0; nothing: the middle one, where the class token looks at what the image shows. Further on many models use
  // patches of the background as places to keep what they know of the whole (Darcet et al., arXiv 2309.16588). Not with
  // rollout.
  std::optional<int> block;
  std::optional<int> head; // from 0; nothing: the mean of all
};

struct ClassAttention {
  int grid_height = 0; // patches
  int grid_width = 0;
  std::vector<double> weights; // a patch, row by row; with those of the prefix tokens they add up to 1, or about
  std::vector<double> logits;  // in real numbers
};

// Throw std::runtime_error that says what the model lacks: a class token (Swin, models without prefix tokens), the
// block or the head chosen. `image` is of the model's size.
ClassAttention class_attention(const std::shared_ptr<const Model> &model, const Image &image,
                               const AttentionChoice &choice, int threads);
ClassAttention class_attention(const FloatModel &model, const Image &image, const AttentionChoice &choice);

using AttentionMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// The class token's row of the rollout: the product of all blocks' (A + 1) / 2, their rows brought to the sum 1. A
// block's matrix is [tokens, tokens]; the last may have its first rows only.
Eigen::VectorXd attention_rollout(std::span<const AttentionMatrix> blocks);

} // namespace intvit
