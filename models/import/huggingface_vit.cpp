// transformers' ViT and those that are one: DeiT, DINOv2 with and without registers, ViT-MAE, ViT-MSN, I-JEPA.
#include <stdexcept>

#include "models/import/formats.hpp"
#include "models/import/huggingface_source.hpp"
#include "models/import/tensors.hpp"

namespace intvit::importer {

VitConfig vit_of_transformers(const ConfigFields &fields, HuggingFaceConfig &config) {
  VitConfig model;
  model.activation = fields.activation("gelu");
  const bool dinov2 = config.is_dinov2();
  fields.read_common(config, config.model_type == "dinov2" ? 14 : 16,
                     dinov2 || config.model_type == "vit_msn" ? 1e-6 : 1e-12, model);
  model.channels = fields.integer("hidden_size", 768);
  model.depth = fields.integer("num_hidden_layers", 12);
  model.heads = fields.integer("num_attention_heads", 12);
  model.mlp_hidden = fields.integer("intermediate_size", 3072);
  fields.require("head_dim", model.channels / model.heads, "only heads of hidden_size / num_attention_heads");
  if (dinov2) {
    const double hidden = model.channels * fields.real("mlp_ratio", 4);
    if (!(hidden >= 1 && hidden <= 1 << 20))
      throw std::runtime_error("\"mlp_ratio\" is " + show(*fields.find("mlp_ratio")) + ", which no model has");
    model.mlp_hidden = static_cast<int>(hidden);
    if (fields.flag("use_swiglu_ffn", false)) { // two thirds, a multiple of 8
      model.mlp = {.gated = true};
      model.mlp_hidden = (static_cast<int>(model.mlp_hidden * 2.0 / 3) + 7) / 8 * 8;
      model.activation = Activation::silu;
    }
    if (config.model_type == "dinov2_with_registers")
      config.registers = fields.count("num_register_tokens", 4);
  }
  model.prefix_tokens = (config.has_class_token() ? 1 : 0) + (config.model_type == "deit" ? 1 : 0) + config.registers;
  if (dinov2 && config.has_head)
    model.pool = Pool::token_mean;
  else
    model.pool = config.teacher ? Pool::token_pair : config.has_class_token() ? Pool::token : Pool::normed_mean;
  return model;
}

namespace {

// Class token, distillation token, registers; registers have no positions.
void read_transformers_tokens(TensorReader &tensors, const VitConfig &model, const HuggingFaceConfig &config,
                              VitWeights &weights) {
  const std::string name = config.prefix + "embeddings.";
  const Eigen::Index channels = model.channels;
  const int positioned = model.prefix_tokens - config.registers;
  const RowMatrix position =
      tensors.matrix(name + "position_embeddings", {1, positioned + model.patches(), channels}, channels);
  weights.position = position.bottomRows(model.patches());
  weights.prefix.resize(model.prefix_tokens, channels);
  if (config.has_class_token())
    weights.prefix.row(0) = tensors.matrix(name + "cls_token", {1, 1, channels}, channels);
  if (config.model_type == "deit")
    weights.prefix.row(1) = tensors.matrix(name + "distillation_token", {1, 1, channels}, channels);
  weights.prefix.topRows(positioned) += position.topRows(positioned);
  tensors.ignore(name + "register_tokens"); // an empty one where there are none
  if (config.registers > 0)
    weights.prefix.bottomRows(config.registers) =
        tensors.matrix(name + "register_tokens", {1, config.registers, channels}, channels);
}

} // namespace

VitModel read_transformers(TensorReader &tensors, const VitConfig &model, const HuggingFaceConfig &config) {
  if (config.is_tower())
    return read_tower(tensors, model, config);
  if (config.model_type == "dinov3_vit")
    return read_dinov3(tensors, model, config);
  if (config.is_beit())
    return read_beit(tensors, model, config);
  const std::string &prefix = config.prefix;
  VitModel result{model, {}, config.labels};
  VitWeights &weights = result.weights;
  weights.patch_embed = tensors.patch_embedding(prefix + "embeddings.patch_embeddings.projection", model.channels,
                                                config.colours, model.patch);
  read_transformers_tokens(tensors, model, config, weights);
  // Transformers 5 has its own names for the blocks inside, see transformers_block_names(), and leaves the prefix out
  // where it writes a ViT-MSN's under the old ones.
  std::string layers = prefix + "encoder.layer.";
  if (tensors.has(prefix + "layers.0.attention.q_proj.weight"))
    layers = prefix + "layers.";
  else if (tensors.has("encoder.layer.0.layernorm_before.weight"))
    layers = "encoder.layer.";
  for (int i = 0; i < model.depth; ++i) {
    const std::string block = layers + std::to_string(i) + ".";
    weights.blocks.push_back(read_block(tensors, block,
                                        transformers_block_names(tensors, block, "attention.attention", config),
                                        model.channels, model.mlp_hidden, model.mlp));
  }
  weights.norm = tensors.layer_norm(prefix + "layernorm", model.channels);
  if (model.pool == Pool::token_pair)
    weights.head = read_two_heads(tensors, "cls_classifier", "distillation_classifier", model.classes, model.channels);
  else if (model.classes > 0)
    weights.head = tensors.linear("classifier", {model.classes, model.features()});
  tensors.ignore(prefix + "pooler.dense.weight"); // behind what is taken for the features
  tensors.ignore(prefix + "pooler.dense.bias");
  return result;
}

} // namespace intvit::importer
