// transformers' DINOv3.
#include <stdexcept>

#include "models/import/formats.hpp"
#include "models/import/huggingface_source.hpp"
#include "models/import/tensors.hpp"

namespace intvit::importer {

VitConfig dinov3_of_transformers(const ConfigFields &fields, HuggingFaceConfig &config) {
  VitConfig model;
  fields.read_common(config, 16, 1e-5, model);
  model.activation = fields.activation("gelu");
  model.channels = fields.integer("hidden_size", 384);
  model.depth = fields.integer("num_hidden_layers", 12);
  model.heads = fields.integer("num_attention_heads", 6);
  model.mlp_hidden = fields.integer("intermediate_size", 1536);
  model.mlp = {.gated = fields.flag("use_gated_mlp", false)};
  fields.require("proj_bias", true, "only projections with a bias (true)");
  fields.require("mlp_bias", true, "only an MLP with a bias (true)");
  config.registers = fields.count("num_register_tokens", 0);
  model.prefix_tokens = 1 + config.registers;
  model.positions = false;
  model.rope = {.grid = Rope::Grid::centred, .temperature = fields.real("rope_theta", 100)};
  config.biases = {fields.flag("query_bias", true), fields.flag("key_bias", false), fields.flag("value_bias", true)};
  return model;
}

namespace {

// transformers 5 puts the blocks into a module of their own, and its files have them where they were.
std::string blocks_of(const TensorReader &tensors) {
  for (const char *name : {"model.layer.", "layer."})
    if (tensors.has(std::string(name) + "0.norm1.weight"))
      return name;
  return "layer.";
}

} // namespace

VitModel read_dinov3(TensorReader &tensors, const VitConfig &model, const HuggingFaceConfig &config) {
  const Eigen::Index channels = model.channels;
  VitModel result{model, {}, config.labels};
  VitWeights &weights = result.weights;
  weights.patch_embed =
      tensors.patch_embedding("embeddings.patch_embeddings", model.channels, config.colours, model.patch);
  weights.position = RowMatrix::Zero(model.patches(), channels);
  weights.prefix.resize(model.prefix_tokens, channels);
  weights.prefix.row(0) = tensors.matrix("embeddings.cls_token", {1, 1, channels}, channels);
  tensors.ignore("embeddings.register_tokens"); // an empty one where there are none
  if (config.registers > 0)
    weights.prefix.bottomRows(config.registers) =
        tensors.matrix("embeddings.register_tokens", {1, config.registers, channels}, channels);
  BlockNames names;
  names.qkv = {"attention.q_proj", "attention.k_proj", "attention.v_proj"};
  names.qkv_biases = config.biases;
  names.proj = "attention.o_proj";
  names.scale1 = "layer_scale1.lambda1";
  names.fc1 = "mlp.up_proj";
  names.fc2 = "mlp.down_proj";
  if (model.mlp.gated)
    names.gate = "mlp.gate_proj";
  names.scale2 = "layer_scale2.lambda1";
  const std::string blocks = blocks_of(tensors);
  for (int i = 0; i < model.depth; ++i)
    weights.blocks.push_back(
        read_block(tensors, blocks + std::to_string(i) + ".", names, channels, model.mlp_hidden, model.mlp));
  weights.norm = tensors.layer_norm("norm", channels);
  return result;
}

} // namespace intvit::importer
