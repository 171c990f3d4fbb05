// transformers' BEiT and Data2Vec-vision: ViTs with relative position biases.
#include <stdexcept>

#include "models/import/formats.hpp"
#include "models/import/huggingface_source.hpp"
#include "models/import/position_bias.hpp"
#include "models/import/tensors.hpp"

namespace intvit::importer {

VitConfig beit_of_transformers(const ConfigFields &fields, HuggingFaceConfig &config) {
  VitConfig model;
  model.activation = fields.activation("gelu");
  fields.read_common(config, 16, 1e-12, model);
  model.channels = fields.integer("hidden_size", 768);
  model.depth = fields.integer("num_hidden_layers", 12);
  model.heads = fields.integer("num_attention_heads", 12);
  model.mlp_hidden = fields.integer("intermediate_size", 3072);
  fields.require("head_dim", model.channels / model.heads, "only heads of hidden_size / num_attention_heads");
  model.class_token = true;
  model.pool = fields.flag("use_mean_pooling", true) ? Pool::mean : Pool::token;
  model.positions = fields.flag("use_absolute_position_embeddings", false);
  config.block_bias = fields.flag("use_relative_position_bias", false);
  config.shared_bias = fields.flag("use_shared_relative_position_bias", false);
  config.layer_scale = fields.real("layer_scale_init_value", 0.1) > 0;
  model.position_bias = config.block_bias || config.shared_bias;
  // transformers exchanges the sides of such tables.
  if (model.position_bias && model.image_height != model.image_width)
    throw std::runtime_error("\"image_size\" is " + show(*fields.find("image_size")) +
                             "; with relative position biases only squares can be imported");
  return model;
}

namespace {

void read_beit_tokens(TensorReader &tensors, const VitConfig &model, const HuggingFaceConfig &config,
                      VitWeights &weights) {
  const std::string name = config.prefix + "embeddings.";
  const Eigen::Index channels = model.channels;
  weights.prefix = tensors.matrix(name + "cls_token", {1, 1, channels}, channels);
  weights.position = RowMatrix::Zero(model.patches(), channels);
  if (!model.positions)
    return;
  const RowMatrix position = tensors.matrix(name + "position_embeddings", {1, 1 + model.patches(), channels}, channels);
  weights.prefix += position.topRows(1);
  weights.position = position.bottomRows(model.patches());
}

} // namespace

VitModel read_beit(TensorReader &tensors, const VitConfig &model, const HuggingFaceConfig &config) {
  const std::string &prefix = config.prefix;
  VitModel result{model, {}, config.labels};
  VitWeights &weights = result.weights;
  weights.patch_embed = tensors.patch_embedding(prefix + "embeddings.patch_embeddings.projection", model.channels,
                                                config.colours, model.patch);
  read_beit_tokens(tensors, model, config, weights);
  const BiasGrid grid{model.grid_height(), model.grid_width()};
  const auto table = [&](const std::string &name) {
    tensors.ignore(name + "relative_position_index");
    return read_grid_bias(tensors, name + "relative_position_bias_table", grid, model.heads, true);
  };
  const std::string shared_name = prefix + "shared_position_bias.";
  RowMatrix shared;
  if (config.shared_bias)
    shared =
        table(tensors.has(shared_name + "relative_position_bias_table") ? shared_name
                                                                        : prefix + "encoder.relative_position_bias.");
  const bool renamed = tensors.has(prefix + "layers.0.attention.q_proj.weight");
  for (int i = 0; i < model.depth; ++i) {
    const std::string block = prefix + (renamed ? "layers." : "encoder.layer.") + std::to_string(i) + ".";
    BlockNames names = transformers_block_names(tensors, block, "attention.attention", config);
    names.qkv_biases[1] = false;
    if (config.layer_scale) {
      names.scale1 = "lambda_1";
      names.scale2 = "lambda_2";
    }
    weights.blocks.push_back(read_block(tensors, block, names, model.channels, model.mlp_hidden));
    RowMatrix &bias = weights.blocks.back().position_bias;
    if (config.block_bias)
      bias = table(block + (renamed ? "relative_position_bias." : "attention.attention.relative_position_bias."));
    if (config.shared_bias)
      bias = bias.size() == 0 ? shared : RowMatrix(bias + shared);
  }
  weights.norm =
      tensors.layer_norm(prefix + (model.pool == Pool::mean ? "pooler.layernorm" : "layernorm"), model.channels);
  if (model.classes > 0)
    weights.head = tensors.linear("classifier", {model.classes, model.channels});
  return result;
}

} // namespace intvit::importer
