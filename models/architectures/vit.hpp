// The plain Vision Transformer with a class token (ViT, arXiv 2010.11929; DeiT, arXiv 2012.12877): its shape, its
// preprocessing and its float weights, in the layout of timm.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <Eigen/Core>

namespace intvit {

using RowMatrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using RowVector = Eigen::Matrix<float, 1, Eigen::Dynamic>;
// Read access to a matrix or to a block of one: rows may lie apart, the elements of a row are contiguous. Not copied.
using MatrixView = Eigen::Ref<const RowMatrix>;

struct VitConfig {
  std::string architecture; // timm's name without the pretrained tag; "vit" where the source gives no name

  int image_height = 224; // pixels, a multiple of patch
  int image_width = 224;
  int patch = 16;     // pixels, square
  int channels = 0;   // embedding dimension C, a multiple of heads
  int depth = 0;      // blocks
  int heads = 0;      // attention heads a block
  int mlp_hidden = 0; // width of fc1's output
  int classes = 0;    // logits
  double layer_norm_eps = 1e-6;

  // Preprocessing: resize the short side to floor(size / crop_pct), crop the centre, then (pixel / 255 - mean) / std.
  std::array<double, 3> mean = {0.5, 0.5, 0.5}; // R, G, B
  std::array<double, 3> std = {0.5, 0.5, 0.5};
  double crop_pct = 0.9;                 // in (0, 1]
  std::string interpolation = "bicubic"; // Pillow's filter: bicubic, bilinear, lanczos or box

  int grid_height() const { return image_height / patch; }
  int grid_width() const { return image_width / patch; }
  int patches() const { return grid_height() * grid_width(); }
  int tokens() const { return patches() + 1; } // row 0 is the class token
  int head_dim() const { return channels / heads; }
  int patch_inputs() const { return 3 * patch * patch; }
};

// Throws std::runtime_error that says what is impossible: a dimension that is not positive or absurdly large (within
// the limits, tokens() and patch_inputs() fit an int), an image that is not a multiple of the patch, channels that are
// not a multiple of heads, or a preprocessing value out of range.
void validate(const VitConfig &config);

// y = x weight^T + bias.
struct LinearWeights {
  RowMatrix weight; // [out, in]
  RowVector bias;   // [out]
};

// gamma and beta of a layer norm.
struct LayerNormWeights {
  RowVector weight; // [C]
  RowVector bias;   // [C]
};

struct BlockWeights {
  LayerNormWeights norm1;
  LinearWeights qkv;  // [3C, C]: rows of q, then k, then v; within each, head by head
  LinearWeights proj; // [C, C]
  LayerNormWeights norm2;
  LinearWeights fc1; // [mlp_hidden, C]
  LinearWeights fc2; // [C, mlp_hidden]
};

struct VitWeights {
  VitWeights() = default;
  explicit VitWeights(const VitConfig &config); // all zero, of the shapes given here

  LinearWeights patch_embed; // [C, 3 * patch * patch], a row in the order colour, y, x
  RowVector cls_token;       // [C]
  RowMatrix pos_embed;       // [tokens, C], the class token's first
  std::vector<BlockWeights> blocks;
  LayerNormWeights norm; // before the head
  LinearWeights head;    // [classes, C]
};

struct VitModel {
  VitConfig config;
  VitWeights weights;
  std::vector<std::string> labels; // one a class, or empty where the source names none
};

// A tensor of a VitWeights under timm's name and shape ("blocks.0.attn.qkv.weight", [3C, C]), row-major.
struct NamedTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  float *data = nullptr; // inside the VitWeights, which must outlive this; null where nothing is allocated yet

  std::int64_t elements() const; // the product of shape
};

// Every tensor of a model of these dimensions. `weights` must have config.depth blocks.
std::vector<NamedTensor> named_tensors(const VitConfig &config, VitWeights &weights);

// A model with random weights, for benchmarks and tests. Weights have variance 1 / in, so that activations keep their
// spread through the layers and attention is far from uniform. The same seed gives the same bits on every machine.
VitModel random_vit(const VitConfig &config, std::uint32_t seed);

} // namespace intvit
