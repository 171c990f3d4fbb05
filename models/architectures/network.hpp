// A model as the sequence of the parts that it consists of.
//
// Code that walks a model (the float reference, the quantizer, the generator of random models, what looks at attention)
// knows these parts and not the architectures. A new architecture that is made of them says once, in its network(), how
// they follow one another, and all of that code can work with it.
//
// A network borrows its weights from a model, which must outlive it; a network that was made of a configuration alone
// has shapes only, and its pointers to weights are null.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "models/architectures/block.hpp"
#include "models/architectures/model_config.hpp"
#include "models/architectures/weights.hpp"

namespace intvit {

// How the residual stream begins.
struct EmbeddingPart {
  int channels = 0;
  // The projected patches are normalized and that is all (Swin). Otherwise positions are added to them and the prefix
  // tokens are put in front.
  bool normalized = false;
  int prefix_tokens = 0;
  bool normed_patches = false; // the projected patches are normalized before positions are added (AIMv2)
  bool pre_norm = false;       // with positions and prefix tokens, all rows are normalized (CLIP)

  const LinearWeights *patch_embed = nullptr;
  const LayerNormWeights *norm = nullptr; // where something is normalized
  const RowMatrix *prefix = nullptr;      // unless the patches alone are normalized: [prefix_tokens, C]
  const RowMatrix *position = nullptr;    // likewise: [patches, C]
};

// A transformer block.
struct BlockPart {
  std::string name; // "blocks.3"
  BlockConfig config;
  int mlp_hidden = 0;
  // How many of the first tokens are still needed after the block's attention: all of them (0), or what the end reads.
  // The float reference goes on with all.
  int kept_rows = 0;
  TokenMerging merging; // see models/architectures/token_schedule.hpp

  const BlockWeights *weights = nullptr;
};

// Four neighbours of the grid side by side become one token, which is normalized and mapped to half as many channels,
// or mapped and then normalized. Of a grid with an odd side the last ones have neighbours of zeros.
struct MergingPart {
  std::string name;    // "layers.1.downsample"
  int grid_height = 0; // of the tokens before
  int grid_width = 0;
  bool normed_after = false;

  int padded_height() const { return grid_height + grid_height % 2; }
  int padded_width() const { return grid_width + grid_width % 2; }

  const LayerNormWeights *norm = nullptr;   // [4 C], or [2 C] behind the map
  const LinearWeights *reduction = nullptr; // [2 C, 4 C]
};

using BodyPart = std::variant<BlockPart, MergingPart>;

// What the head reads of the residual stream after the last block.
enum class Pool : std::uint8_t {
  token,       // the class token, normalized
  token_mean,  // the normalized class token and the mean of the normalized patches, side by side
  token_pair,  // class and distillation token, each normalized, side by side
  mean,        // the mean of the patches, then normalized (timm's fc_norm)
  normed_mean, // the mean of the normalized patches
  raw_mean,    // the mean of the patches, not normalized (transformers' CLIPForImageClassification)
  raw_token,   // the class token, not normalized (RADIO); to an end it is a raw mean of one row
  attention,   // what a learned query makes of all normalized tokens (AttentionPoolWeights)
};

// How the residual stream becomes logits, or features where there are no classes.
struct EndPart {
  Pool pool = Pool::token;
  int first = 0; // the pool reads the rows [first, first + rows) of the stream
  int rows = 1;
  int patches = 0;     // token_mean: where among these rows, of which the first is the class token, the patches begin
  int merged_from = 0; // the rows that it read if no tokens had been merged; 0: those that it reads were not
  int channels = 0;
  int projection = 0;       // width of a linear map between the pool and the features; 0: there is none
  bool unit_length = false; // the head reads the features brought to length 1: its rows are class embeddings
  int classes = 0;
  BlockConfig pool_block;    // Pool::attention: its heads and its MLP's activation
  int pool_hidden = 0;       // likewise: the MLP's width
  bool patch_tokens = false; // every token is wanted besides, normalized by the last norm; see keep_patch_tokens()
  // What an error of the stream costs here, by which a quantizer chooses the stream's codes, depends on the head's
  // weights too. Otherwise on the LayerNorm's alone.
  bool head_weighs_errors = true;

  const LayerNormWeights *norm = nullptr; // of raw ones null
  const AttentionPoolWeights *attention = nullptr;
  const LinearWeights *projected = nullptr; // [projection, pooled()], where there is one
  const LinearWeights *head = nullptr;      // [classes, features()]; its weight is empty where there are no classes

  // Whether all that the model gives is made of class tokens.
  bool reads_class_token() const {
    return !patch_tokens && (pool == Pool::token || pool == Pool::token_pair || pool == Pool::raw_token);
  }
  // Of how many tokens the rows are made.
  int tokens() const { return merged_from > 0 ? merged_from : rows; }
  int pooled() const { return pool == Pool::token_pair || pool == Pool::token_mean ? 2 * channels : channels; }
  int features() const { return projection > 0 ? projection : pooled(); }
  // What reads the pooled row: the projection, else the head; null where both are missing.
  const LinearWeights *reader() const { return projection > 0 ? projected : classes > 0 ? head : nullptr; }
  int outputs() const { return classes == 0 ? features() : classes; }
};

struct Network {
  ModelConfig common; // the image, its patches and its preprocessing
  EmbeddingPart embedding;
  std::vector<BodyPart> body;
  EndPart end;

  int blocks() const;
};

// From now on the network also gives all patches' tokens: no block drops rows. Throws std::runtime_error, and says why,
// where the last tokens are not the patches (Swin, merged tokens) or are not normalized.
void keep_patch_tokens(Network &network);

} // namespace intvit
