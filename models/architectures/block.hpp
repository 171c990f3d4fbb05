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
  int grid_height = 0; // a multiple of size
  int grid_width = 0;
  int size = 0;
  int shift = 0; // less than size

  int tokens() const { return grid_height * grid_width; }
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

  int keys() const { return windows ? windows->size * windows->size : tokens; } // that a query attends to
};

} // namespace intvit
