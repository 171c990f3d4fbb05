// The plain Vision Transformer (ViT, arXiv 2010.11929) and its kin: DeiT with and without distillation token
// (arXiv 2012.12877), DeiT III (arXiv 2204.07118), DINOv2 with and without register tokens (arXiv 2304.07193,
// 2309.16588), and the image towers of CLIP (arXiv 2103.00020) and SigLIP (arXiv 2303.15343). One canonical form for
// all of them: importers fold layer scales, add the positions of prefix tokens and join two heads to one, so that
// nothing else needs to know of these.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "models/architectures/network.hpp"
#include "models/architectures/positions.hpp"
#include "models/architectures/weights.hpp"

namespace intvit {

struct VitModel;

struct VitConfig : ModelConfig {
  using Model = VitModel;

  // timm's models of this architecture, in the order in which they are listed to a user.
  static std::vector<VitConfig> known();

  int channels = 0;      // embedding dimension C, a multiple of heads
  int depth = 0;         // blocks
  int heads = 0;         // attention heads a block
  int mlp_hidden = 0;    // width of fc1's output
  int prefix_tokens = 1; // tokens before the patches: class token, distillation token, registers; may be 0
  Pool pool = Pool::token;
  bool class_token = false; // where no pool reads it, whether the first prefix token is one all the same
  Activation activation = Activation::gelu;
  MlpForm mlp;
  Rope rope; // rotary positions
  // How the patches' positions that a file holds become those of the model's grid, if they are another grid's; and
  // whether they are resampled to a square of its longer side, of which the rest is cut off (NaFlex).
  Resampling resampling = Resampling::antialiased;
  bool square_positions = false;
  bool positions = true;       // the patches' embeddings are added to; set_image_size() resamples them
  bool position_bias = false;  // scores grow by biases of relative positions, BlockWeights::position_bias
  bool attention_norm = false; // see BlockConfig
  bool post_norms = false;     // likewise
  bool embed_norm = false;     // the projected patches are normalized before positions are added; not with pre_norm
  bool pre_norm = false;       // a LayerNorm before the first block
  int pool_hidden = 0;         // Pool::attention: width of its MLP
  int pool_heads = 0;          // its heads; 0: as many as a block's
  bool pools_prefix = false;   // whether it attends to the prefix tokens, too
  int projection = 0;       // width of a linear map behind the pool, whose outputs are the features; 0: there is none
  bool unit_length = false; // the head's inputs are the features brought to length 1

  int tokens() const { return prefix_tokens + patches(); }
  int head_dim() const { return channels / heads; }
  BlockConfig block() const {
    BlockConfig result{tokens(), heads, layer_norm_eps, std::nullopt, activation, nullptr};
    result.mlp = mlp;
    result.centred_norms = centred_norms;
    result.attention_norm = attention_norm;
    result.post_norms = post_norms;
    if (position_bias)
      result.bias_grid = BiasGrid{grid_height(), grid_width()};
    return result;
  }
  BlockConfig pool_block() const {
    BlockConfig result = block();
    result.bias_grid.reset();
    result.attention_norm = false;
    result.post_norms = false;
    result.mlp = {};
    if (pool_heads != 0)
      result.heads = pool_heads;
    return result;
  }
  bool pools_patches() const { return pool == Pool::mean || pool == Pool::normed_mean || pool == Pool::raw_mean; }
  bool reads_patches() const { return pools_patches() || (pool == Pool::attention && !pools_prefix); }
  bool has_class_token() const { return pools_tokens() || pool == Pool::token_mean || class_token; }
  bool pools_tokens() const { // single ones
    return pool == Pool::token || pool == Pool::token_pair || pool == Pool::raw_token;
  }
  bool has_last_norm() const { return pool != Pool::raw_mean && pool != Pool::raw_token; }
  // The rows of the stream that the head reads are [first_pooled(), first_pooled() + pooled_rows()).
  int first_pooled() const { return reads_patches() ? prefix_tokens : 0; }
  int pooled_rows() const {
    if (reads_patches())
      return patches();
    return pool == Pool::attention || pool == Pool::token_mean ? tokens() : pool == Pool::token_pair ? 2 : 1;
  }
  // Class and distillation token stand side by side where a head reads them. Without one their mean is the features.
  Pool end_pool() const {
    if (pool == Pool::raw_token)
      return Pool::raw_mean;
    return pool == Pool::token_pair && classes == 0 ? Pool::normed_mean : pool;
  }
  int pooled() const { return end_pool() == Pool::token_pair || pool == Pool::token_mean ? 2 * channels : channels; }
  int features() const { return projection > 0 ? projection : pooled(); } // inputs of the head
  int outputs() const { return classes == 0 ? features() : classes; }
};

// Throws std::runtime_error that says what is impossible: as validate_common(), channels that are not a multiple of
// heads, or a pool of tokens that are not there.
void validate(const VitConfig &config);

struct VitWeights {
  VitWeights() = default;
  explicit VitWeights(const VitConfig &config); // all zero, of the shapes given here

  LinearWeights patch_embed; // [C, 3 * patch * patch], a row in the order colour, y, x
  RowMatrix prefix;          // [prefix_tokens, C]: the class token first; their positions are added already
  RowMatrix position;        // [patches, C], row by row of the grid; zeros where rotation alone tells the place
  std::vector<BlockWeights> blocks;
  LayerNormWeights norm;               // the last; empty where the pool is a raw one
  LinearWeights head;                  // [classes, features]; empty where there are no classes
  LayerNormWeights pre_norm;           // empty where there is none
  LayerNormWeights embed_norm;         // likewise
  AttentionPoolWeights attention_pool; // likewise
  LinearWeights projection;            // [projection, pooled]; likewise
  RowMatrix rope_frequencies; // Rope::Grid::learned: [2 depth, C / 2], of each block along a row, down a column
};

struct VitModel {
  using Config = VitConfig;
  using Weights = VitWeights;

  VitConfig config;
  VitWeights weights;
  std::vector<std::string> labels; // one a class, or empty where the source names none
};

// Every tensor of `weights`, under timm's name where timm has it. `weights` must have config.depth blocks.
std::vector<NamedTensor> named_tensors(const VitConfig &config, VitWeights &weights);

// Lets the model take images of that size, in pixels: its position embedding is resampled. Throws std::runtime_error
// where the size is not possible.
void set_image_size(VitModel &model, int height, int width, Resampling resampling = Resampling::antialiased);

// Some of an architecture's weights were trained with other preprocessing, or to other ends, than the rest. timm tells
// them apart by the pretrained tag behind the name's dot; a tag that is not known changes nothing.
void use_tag(std::string_view tag, VitConfig &config);

// The parts of the model; of its shapes alone where there are no `weights`.
Network network(const VitConfig &config, const VitWeights *weights = nullptr);

} // namespace intvit
