// The image towers of transformers' CLIP and SigLIP, alone, with their projection, with a classifier, or beside the
// text tower, which is left out here.
#include <array>
#include <stdexcept>
#include <utility>

#include "models/import/formats.hpp"
#include "models/import/huggingface_source.hpp"
#include "models/import/tensors.hpp"

namespace intvit::importer {

namespace {

// Tensors of older versions of transformers.
constexpr const char *counts = "embeddings.position_ids";

VitConfig tower(const ConfigFields &fields, const ConfigFields &vision, const HuggingFaceConfig &config, double eps) {
  VitConfig model;
  vision.read_common(config, config.is_siglip() ? 16 : 32, eps, model);
  if (config.has_head)
    model.head = fields.head(config.classes);
  vision.require("num_channels", 3, "only RGB models (3)");
  model.channels = vision.integer("hidden_size", 768);
  model.depth = vision.integer("num_hidden_layers", 12);
  model.heads = vision.integer("num_attention_heads", 12);
  model.mlp_hidden = vision.integer("intermediate_size", 3072);
  model.activation = vision.activation(config.is_siglip() ? "gelu_pytorch_tanh" : "quick_gelu");
  model.partial_patches = model.image_height % model.patch != 0 || model.image_width % model.patch != 0;
  return model;
}

} // namespace

VitConfig clip_of_transformers(const ConfigFields &fields, HuggingFaceConfig &config) {
  const ConfigFields vision = fields.section("vision_config");
  VitConfig model = tower(fields, vision, config, 1e-5);
  model.pre_norm = true;
  model.prefix_tokens = 1;
  model.pool = config.has_head ? Pool::raw_mean : Pool::token;
  if (config.projects)
    model.projection = (config.model_type == "clip" ? fields : vision).integer("projection_dim", 512);
  return model;
}

VitConfig siglip_of_transformers(const ConfigFields &fields, HuggingFaceConfig &config) {
  const ConfigFields vision = fields.section("vision_config");
  VitConfig model = tower(fields, vision, config, 1e-6);
  model.prefix_tokens = 0;
  model.pool = config.has_head ? Pool::normed_mean : Pool::attention;
  model.pool_hidden = config.has_head ? 0 : model.mlp_hidden;
  if (!config.has_head)
    vision.require("vision_use_head", true,
                   "only a tower with its attention pooling (true), whose output is the "
                   "image's features,");
  return model;
}

namespace {

AttentionPoolWeights read_pooling_head(TensorReader &tensors, const std::string &prefix, const VitConfig &model) {
  const Eigen::Index channels = model.channels;
  AttentionPoolWeights pool;
  const RowMatrix weight = tensors.matrix(prefix + "attention.in_proj_weight", {3 * channels, channels}, channels);
  const RowVector bias = tensors.vector(prefix + "attention.in_proj_bias", 3 * channels);
  pool.query = mapped(tensors.matrix(prefix + "probe", {1, 1, channels}, channels),
                      {weight.topRows(channels), bias.head(channels)});
  pool.key_value = {weight.bottomRows(2 * channels), bias.tail(2 * channels)};
  pool.proj = tensors.linear(prefix + "attention.out_proj", {channels, channels});
  pool.norm2 = tensors.layer_norm(prefix + "layernorm", channels);
  pool.fc1 = tensors.linear(prefix + "mlp.fc1", {model.pool_hidden, channels});
  pool.fc2 = tensors.linear(prefix + "mlp.fc2", {channels, model.pool_hidden});
  return pool;
}

void read_positions(TensorReader &tensors, const std::string &prefix, const VitConfig &model, VitWeights &weights) {
  const Eigen::Index channels = model.channels;
  const RowMatrix position =
      tensors.matrix(prefix + "embeddings.position_embedding.weight", {model.tokens(), channels}, channels);
  weights.position = position.bottomRows(model.patches());
  weights.prefix.resize(model.prefix_tokens, channels);
  if (model.prefix_tokens > 0)
    weights.prefix.row(0) = tensors.vector(prefix + "embeddings.class_embedding", channels) + position.row(0);
  tensors.ignore(prefix + counts);
}

} // namespace

VitModel read_tower(TensorReader &tensors, const VitConfig &model, const HuggingFaceConfig &config) {
  // A tower that was saved alone has no name before its own.
  const std::string prefix = tensors.has("vision_model.embeddings.patch_embedding.weight") ? "vision_model." : "";
  VitModel result{model, {}, config.labels};
  VitWeights &weights = result.weights;
  weights.patch_embed = tensors.patch_embedding(prefix + "embeddings.patch_embedding", model.channels, 3, model.patch,
                                                config.is_siglip());
  read_positions(tensors, prefix, model, weights);
  if (model.pre_norm)
    weights.pre_norm = tensors.layer_norm(prefix + "pre_layrnorm", model.channels);
  for (int i = 0; i < model.depth; ++i)
    weights.blocks.push_back(read_block(tensors, prefix + "encoder.layers." + std::to_string(i) + ".",
                                        clip_block_names(), model.channels, model.mlp_hidden));
  if (model.pool == Pool::raw_mean)
    tensors.ignore_all(prefix + "post_layernorm.");
  else
    weights.norm = tensors.layer_norm(prefix + "post_layernorm", model.channels);
  if (model.pool == Pool::attention)
    weights.attention_pool = read_pooling_head(tensors, prefix + "head.", model);
  else
    tensors.ignore_all(prefix + "head.");
  if (model.projection > 0)
    weights.projection = tensors.linear("visual_projection", {model.projection, model.channels}, false);
  if (model.classes > 0)
    weights.head = tensors.linear("classifier", {model.classes, model.channels});
  if (config.has_text) // its tower, and what scores of pictures and texts are multiplied by and moved
    for (const char *text : {"text_model.", "text_projection.", "logit_scale", "logit_bias"})
      tensors.ignore_all(text);
  return result;
}

BlockNames clip_block_names() {
  BlockNames names;
  names.norm1 = "layer_norm1";
  names.qkv = {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"};
  names.proj = "self_attn.out_proj";
  names.norm2 = "layer_norm2";
  return names;
}

} // namespace intvit::importer
