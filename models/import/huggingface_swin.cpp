// transformers' Swin.
#include "models/import/formats.hpp"
#include "models/import/huggingface_source.hpp"
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
  fields.require("use_absolute_embeddings", false, "only models without position embedding (false)");
  // transformers leaves PyTorch's 1e-5 in the norms of patch embedding and merging, whatever the file says.
  fields.require("layer_norm_eps", 1e-5, "only 1e-5");
  return model;
}

namespace {

SwinStageWeights read_stage(TensorReader &tensors, const SwinConfig &model, const HuggingFaceConfig &config,
                            int stage) {
  SwinStageWeights weights;
  const std::string layers = config.prefix + "encoder.layers.";
  const std::int64_t channels = model.stage_channels(stage);
  if (stage > 0) { // transformers merges at the end of the stage before
    const std::string name = layers + std::to_string(stage - 1) + ".downsample.";
    weights.merge_norm = tensors.layer_norm(name + "norm", 2 * channels);
    weights.merge = tensors.linear(name + "reduction", {channels, 2 * channels}, false);
  }
  const auto index = static_cast<std::size_t>(stage);
  for (int i = 0; i < model.depths[index]; ++i) {
    const std::string name = layers + std::to_string(stage) + ".blocks." + std::to_string(i) + ".";
    weights.blocks.push_back(read_block(tensors, name,
                                        transformers_block_names(tensors, name, "attention.self", config), channels,
                                        model.stage_mlp_hidden(stage)));
    const std::string renamed =
        name + "attention.relative_position_bias.relative_position_bias_table"; // transformers 5
    weights.blocks.back().position_bias = read_position_bias(
        tensors, tensors.has(renamed) ? renamed : name + "attention.self.relative_position_bias_table",
        model.windows(stage, 0).size, model.heads[index]);
    tensors.ignore(name + "attention.relative_position_bias.relative_position_index");
    tensors.ignore(name + "attention.self.relative_position_index"); // a buffer that older files hold
  }
  return weights;
}

} // namespace

SwinModel read_transformers(TensorReader &tensors, const SwinConfig &model, const HuggingFaceConfig &config) {
  SwinModel result{model, {}, config.labels};
  SwinWeights &weights = result.weights;
  weights.patch_embed = tensors.linear(config.prefix + "embeddings.patch_embeddings.projection",
                                       {model.channels, 3, model.patch, model.patch});
  weights.patch_norm = tensors.layer_norm(config.prefix + "embeddings.norm", model.channels);
  for (int stage = 0; stage < model.stages(); ++stage)
    weights.stages.push_back(read_stage(tensors, model, config, stage));
  weights.norm = tensors.layer_norm(config.prefix + "layernorm", model.features());
  if (model.classes > 0)
    weights.head = tensors.linear("classifier", {model.classes, model.features()});
  return result;
}

} // namespace intvit::importer
