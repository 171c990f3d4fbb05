// How a transformer block computes, beside its weights.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "models/architectures/rotation.hpp"

namespace intvit {

// How the tokens of a grid, row by row, attend to one another: within windows of size x size tokens. With a shift the
// windows lie on the grid rolled by `shift` up and to the left; tokens that only the rolling brought together do not
// attend to one another.
struct Windows {
  int grid_height = 0;
  int grid_width = 0;
  int size = 0;
  int shift = 0; // less than size
  // Where windows do not divide the grid, tokens of zeros are put below it and to its right, which are attended to as
  // others are: before the grid is rolled (transformers), or after that (timm).
  bool rolled_first = false;

  int tokens() const { return grid_height * grid_width; }
  int padded_height() const { return (grid_height + size - 1) / size * size; }
  int padded_width() const { return (grid_width + size - 1) / size * size; }
  bool padded() const { return padded_height() != grid_height || padded_width() != grid_width; }
  int rolled() const { return rolled_first ? shift : 0; } // before it is padded
  Windows on_padded_grid() const {
    return {.grid_height = padded_height(), .grid_width = padded_width(), .size = size, .shift = shift};
  }
};

// The last tokens are the patches of a grid, row by row, and scores grow by biases that depend on how far two patches
// are apart (BlockWeights::position_bias).
struct BiasGrid {
  int height = 0;
  int width = 0;

  int patches() const { return height * width; }
  int distances() const { return (2 * height - 1) * (2 * width - 1); }
  int biases() const { return distances() + 3; } // of a head: those of tokens before the patches come last
};

// What stands between an MLP's two linear maps.
enum class Activation : std::uint8_t {
  gelu,       // x Phi(x), the exact ("erf") one
  gelu_tanh,  // its approximation with tanh, which integer models take for the exact one
  quick_gelu, // x / (1 + exp(-1.702 x))
  silu,       // x / (1 + exp(-x))
};

// What an MLP consists of besides its two linear maps and its activation.
struct MlpForm {
  bool gated = false;  // fc2(activation(gate(x)) * fc1(x)), where else fc2(activation(fc1(x))) (arXiv 2002.05202)
  bool normed = false; // what fc2 reads is normalized

  bool operator==(const MlpForm &) const = default;
};

// How many pairs of tokens become one between a block's attention and its MLP. The first tokens do not merge. The
// others do so the less the more the first one attends to them, if they are weighted.
struct TokenMerging {
  int pairs = 0; // 0: none
  int first = 0;
  bool weighted = false;
};

struct BlockConfig {
  int tokens = 0; // rows of the residual stream
  int heads = 0;
  double layer_norm_eps = 0;
  std::optional<Windows> windows; // none: all tokens attend to all
  Activation activation = Activation::gelu;
  // Queries and keys are turned before they are multiplied; null: they are not.
  std::shared_ptr<const Rotation> rotation;
  bool causal = false; // a token attends to itself and to those before it; not with windows
  MlpForm mlp;
  std::optional<BiasGrid> bias_grid; // not with windows
  bool centred_norms = true;         // see ModelConfig
  bool attention_norm = false;       // what attention gives is normalized before it is mapped
  bool post_norms = false; // norm1 and norm2 are of what the branches give, before it is added (arXiv 2111.09883)
  // Scores are cosines of queries and keys times BlockWeights::cosine_scale, where else products over sqrt(d).
  bool cosine = false;

  int keys() const { return windows ? windows->size * windows->size : tokens; } // that a query attends to
};

} // namespace intvit
