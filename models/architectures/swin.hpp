// The Swin Transformer (arXiv 2103.14030): stages on ever coarser grids, attention within windows that are shifted in
// every other block. And Swin V2 (arXiv 2111.09883), whose norms are behind the branches and whose scores are cosines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "models/architectures/network.hpp"
#include "models/architectures/positions.hpp"
#include "models/architectures/weights.hpp"

namespace intvit {

struct SwinModel;

struct SwinConfig : ModelConfig {
  using Model = SwinModel;

  SwinConfig() {
    patch = 4;
    layer_norm_eps = 1e-5;
  }

  // timm's models of this architecture, in the order in which they are listed to a user.
  static std::vector<SwinConfig> known();

  int channels = 0;        // of the first stage; each stage has twice those of the one before
  std::vector<int> depths; // blocks of each stage
  std::vector<int> heads;  // attention heads of each stage
  double mlp_ratio = 4;
  int window = 7;                 // tokens; a grid smaller than that is one window
  std::vector<int> stage_windows; // of each stage, where they differ; else empty
  Activation activation = Activation::gelu;
  bool v2 = false;
  // Swin V2: the windows of each stage that it was trained with before these, by which distances are measured; 0, or
  // nothing at all, stands for these.
  std::vector<int> pretrained_windows;
  bool rolled_first = true; // Windows::rolled_first

  int stages() const { return static_cast<int>(depths.size()); }
  int depth() const; // blocks of all stages
  int stage_channels(int stage) const { return channels << stage; }
  int stage_mlp_hidden(int stage) const { return static_cast<int>(stage_channels(stage) * mlp_ratio); }
  int stage_window(int stage) const {
    return stage_windows.empty() ? window : stage_windows[static_cast<std::size_t>(stage)];
  }
  int stage_pretrained_window(int stage) const {
    return pretrained_windows.empty() ? 0 : pretrained_windows[static_cast<std::size_t>(stage)];
  }
  // The windows of a block, `block` being counted within its stage.
  Windows windows(int stage, int block) const;
  // Swin V2: a stage whose grid is one window, so that there are none. The biases of large ones take much memory where
  // windows have them, and little where a grid has.
  bool one_grid(int stage) const;
  int position_biases(int stage) const; // columns of BlockWeights::position_bias
  BlockConfig block(int stage, int block) const;
  int features() const { return stage_channels(stages() - 1); } // inputs of the head
  int outputs() const { return classes == 0 ? features() : classes; }
};

// Throws std::runtime_error that says what is impossible: as validate_common(), or channels that are not a multiple of
// heads.
void validate(const SwinConfig &config);

struct SwinStageWeights {
  // All stages but the first: four neighbours (y, x), (y + 1, x), (y, x + 1), (y + 1, x + 1) side by side, normalized
  // and mapped to the stage's channels; in Swin V2 mapped and then normalized.
  LayerNormWeights merge_norm; // [2C]: four times the channels of the stage before; [C] in Swin V2
  LinearWeights merge;         // [C, 2C]; importers set the bias to 0
  std::vector<BlockWeights> blocks;
};

struct SwinWeights {
  SwinWeights() = default;
  explicit SwinWeights(const SwinConfig &config); // all zero, of the shapes given here

  LinearWeights patch_embed; // [C, 3 * patch * patch], a row in the order colour, y, x
  LayerNormWeights patch_norm;
  std::vector<SwinStageWeights> stages;
  LayerNormWeights norm; // the last; the mean over all tokens follows
  LinearWeights head;    // [classes, features]; empty where there are no classes
};

struct SwinModel {
  using Config = SwinConfig;
  using Weights = SwinWeights;

  SwinConfig config;
  SwinWeights weights;
  std::vector<std::string> labels; // one a class, or empty where the source names none
};

// Every tensor of `weights`. `weights` must have the stages and blocks of `config`.
std::vector<NamedTensor> named_tensors(const SwinConfig &config, SwinWeights &weights);

// Lets the model take images of that size, in pixels. Its position biases belong to windows, which must keep their
// size; there is nothing to resample. Throws std::runtime_error where the size is not possible.
void set_image_size(SwinModel &model, int height, int width, Resampling resampling = Resampling::antialiased);

// timm's pretrained tags change nothing of these.
inline void use_tag(std::string_view /*tag*/, SwinConfig & /*config*/) {}

// The parts of the model; of its shapes alone where there are no `weights`.
Network network(const SwinConfig &config, const SwinWeights *weights = nullptr);

} // namespace intvit
