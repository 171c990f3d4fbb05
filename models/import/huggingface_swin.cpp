// transformers' Swin and Swin V2.
#include <algorithm>
#include <stdexcept>

#include "models/import/formats.hpp"
#include "models/import/huggingface_source.hpp"
#include "models/import/position_bias.hpp"
#include "models/import/tensors.hpp"

namespace intvit::importer {

SwinConfig swin_of_transformers(const ConfigFields &fields, HuggingFaceConfig &config) {
  SwinConfig model;
  model.activation = fields.activation("gelu");
  fields.read_common(config, 4, 1e-5, model);
  model.channels = fields.integer("embed_dim", 96);
  model.depths = fields.integers("depths", {2, 2, 6, 2});
  model.heads = fields.integers("num_heads", {3, 6, 12, 24});
  model.mlp_ratio = fields.real("mlp_ratio", 4);
  model.window = fields.integer("window_size", 7);
  model.rolled_first = false;
  fields.require("use_absolute_embeddings", false, "only models without position embedding (false)");
  // transformers leaves PyTorch's 1e-5 in the norms of patch embedding and merging, whatever the file says.
  fields.require("layer_norm_eps", 1e-5, "only 1e-5");
  return model;
}

namespace {

// transformers chooses a Swin V2's windows by grids that it halves downward, but merges patches to grids halved upward.
void refuse_other_windows(const SwinConfig &config) {
  for (int stage = 1; stage < config.stages(); ++stage)
    if (const int side = config.grid_width() >> stage;
        side <= config.window && side != config.windows(stage, 0).grid_width)
      throw std::runtime_error(
          "the grid of stage " + std::to_string(stage) + ", " + std::to_string(config.windows(stage, 0).grid_width) +
          " tokens a side, comes of one with odd sides and has room for no more than a window of " +
          std::to_string(config.window) +
          ", which transformers then makes smaller; such a Swin V2 "
          "cannot be imported");
}

} // namespace

SwinConfig swin_v2_of_transformers(const ConfigFields &fields, HuggingFaceConfig &config) {
  SwinConfig model = swin_of_transformers(fields, config);
  model.v2 = true;
  config.biases[1] = false; // of keys
  model.pretrained_windows = fields.counts("pretrained_window_sizes", {});
  if (std::all_of(model.pretrained_windows.begin(), model.pretrained_windows.end(), [](int n) { return n == 0; }))
    model.pretrained_windows.clear();
  if (model.image_height != model.image_width)
    throw std::runtime_error("\"image_size\" is " + show(*fields.find("image_size")) +
                             "; of a Swin V2 only squares can be imported");
  refuse_other_windows(model);
  return model;
}

namespace {

// What belongs to a block's scores.
void read_swin_positions(TensorReader &tensors, const std::string &name, const SwinConfig &model, int stage,
                         BlockWeights &block) {
  const int heads = model.heads[static_cast<std::size_t>(stage)];
  const int window = model.windows(stage, 0).size;
  if (model.v2) {
    block.position_bias =
        read_window_bias_network(tensors, name + "attention.self.continuous_position_bias_mlp", window,
                                 model.stage_pretrained_window(stage), model.position_biases(stage), heads);
    block.cosine_scale = read_cosine_scale(tensors, name + "attention.self.logit_scale", heads);
    tensors.ignore(name + "attention.self.relative_coords_table");
    return;
  }
  const std::string renamed = name + "attention.relative_position_bias.relative_position_bias_table"; // transformers 5
  block.position_bias = read_position_bias(
      tensors, tensors.has(renamed) ? renamed : name + "attention.self.relative_position_bias_table", window, heads);
}

SwinStageWeights read_stage(TensorReader &tensors, const SwinConfig &model, const HuggingFaceConfig &config,
                            int stage) {
  SwinStageWeights weights;
  const std::string layers = config.prefix + "encoder.layers.";
  const std::int64_t channels = model.stage_channels(stage);
  if (stage > 0) { // transformers merges at the end of the stage before
    const std::string name = layers + std::to_string(stage - 1) + ".downsample.";
    weights.merge_norm = tensors.layer_norm(name + "norm", model.v2 ? channels : 2 * channels);
    weights.merge = tensors.linear(name + "reduction", {channels, 2 * channels}, false);
  }
  const auto index = static_cast<std::size_t>(stage);
  for (int i = 0; i < model.depths[index]; ++i) {
    const std::string name = layers + std::to_string(stage) + ".blocks." + std::to_string(i) + ".";
    BlockNames names = transformers_block_names(tensors, name, "attention.self", config);
    names.qkv_biases = config.biases;
    weights.blocks.push_back(read_block(tensors, name, names, channels, model.stage_mlp_hidden(stage)));
    read_swin_positions(tensors, name, model, stage, weights.blocks.back());
    tensors.ignore(name + "attention.relative_position_bias.relative_position_index");
    tensors.ignore(name + "attention.self.relative_position_index"); // a buffer that older files hold
  }
  return weights;
}

} // namespace

SwinModel read_transformers(TensorReader &tensors, const SwinConfig &model, const HuggingFaceConfig &config) {
  SwinModel result{model, {}, config.labels};
  SwinWeights &weights = result.weights;
  weights.patch_embed = tensors.patch_embedding(config.prefix + "embeddings.patch_embeddings.projection",
                                                model.channels, config.colours, model.patch);
  weights.patch_norm = tensors.layer_norm(config.prefix + "embeddings.norm", model.channels);
  for (int stage = 0; stage < model.stages(); ++stage)
    weights.stages.push_back(read_stage(tensors, model, config, stage));
  weights.norm = tensors.layer_norm(config.prefix + "layernorm", model.features());
  if (model.classes > 0)
    weights.head = tensors.linear("classifier", {model.classes, model.features()});
  return result;
}

} // namespace intvit::importer
