// The text towers of CLIP and SigLIP: transformers whose output for a text lies in the space of the images' features.
// Only the float reference runs them, when a classifier is made of names.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "models/architectures/block.hpp"
#include "models/architectures/model_config.hpp"
#include "models/architectures/weights.hpp"

namespace intvit {

// Which token's output stands for the text.
enum class TextPool : std::uint8_t {
  first_end, // the first that is the end token (CLIP)
  largest,   // the first of the largest number, which the end token has in CLIP's vocabulary
  last,      // (SigLIP, whose texts are padded to their full length)
};

struct TextConfig {
  int vocabulary = 0;
  int positions = 0; // tokens of the longest text
  int channels = 0;
  int depth = 0;
  int heads = 0;
  int mlp_hidden = 0;
  int features = 0;
  double layer_norm_eps = 1e-5;
  Activation activation = Activation::quick_gelu;
  TextPool pool = TextPool::first_end;
  int end_token = 0;

  bool is_causal() const { return pool != TextPool::last; }
  BlockConfig block(int tokens) const {
    return {tokens, heads, layer_norm_eps, std::nullopt, activation, nullptr, is_causal()};
  }
};

struct TextTower {
  TextConfig config;
  RowMatrix token;    // [vocabulary, C]
  RowMatrix position; // [positions, C]
  std::vector<BlockWeights> blocks;
  LayerNormWeights norm;
  LinearWeights projection; // [features, C]
};

// A score of an image and a text is scale * cosine + bias.
struct ScoreScale {
  double scale = 1;
  double bias = 0;
  bool sigmoid = false; // its probability is a sigmoid (SigLIP), else a softmax over the texts (CLIP)
};

// Throws std::runtime_error where no trained model can have it: scores would all be the same, or beyond all bounds.
inline void validate(const ScoreScale &scale) {
  validate_range("scale of scores", scale.scale, 1e-6, 1e6);
  validate_range("bias of scores", scale.bias, -1e6, 1e6);
}

} // namespace intvit
