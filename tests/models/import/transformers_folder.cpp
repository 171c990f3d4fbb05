#include "tests/models/import/transformers_folder.hpp"

namespace intvit::test {

using nlohmann::json;

namespace {

void add_vit_block(TransformersTensors &tensors, const std::string &name, std::int64_t channels, std::int64_t hidden,
                   const std::string &attention = "attention.attention") {
  for (const char *part : {".query", ".key", ".value"})
    tensors.add_linear(name + attention + part, channels, channels);
  tensors.add_linear(name + "attention.output.dense", channels, channels);
  tensors.add_norm(name + "layernorm_before", channels);
  tensors.add_norm(name + "layernorm_after", channels);
  tensors.add_linear(name + "intermediate.dense", hidden, channels);
  tensors.add_linear(name + "output.dense", channels, hidden);
}

} // namespace

void TransformersTensors::add(const std::string &name, std::vector<std::int64_t> shape) {
  std::int64_t count = 1;
  for (const std::int64_t size : shape)
    count *= size;
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float &value : values)
    value = static_cast<float>(generator_() >> 8) * 0x1p-24F - 0.5F;
  all[name] = {std::move(shape), std::move(values)};
}

void TransformersTensors::add_linear(const std::string &name, std::int64_t outputs, std::int64_t inputs) {
  add(name + ".weight", {outputs, inputs});
  add(name + ".bias", {outputs});
}

void TransformersTensors::add_norm(const std::string &name, std::int64_t channels) {
  add(name + ".weight", {channels});
  add(name + ".bias", {channels});
}

RowMatrix TransformersTensors::matrix(const std::string &name) const {
  const WeightTensor &tensor = all.at(name);
  const Eigen::Index rows = tensor.shape.size() == 1    ? 1
                            : tensor.shape.front() == 1 ? tensor.shape[1]
                                                        : tensor.shape.front();
  return Eigen::Map<const RowMatrix>(tensor.values.data(), rows,
                                     static_cast<Eigen::Index>(tensor.values.size()) / rows);
}

json vit_config() {
  return {{"architectures", {"ViTForImageClassification"}},
          {"model_type", "vit"},
          {"hidden_size", 6},
          {"num_hidden_layers", 2},
          {"num_attention_heads", 2},
          {"intermediate_size", 10},
          {"hidden_act", "gelu"},
          {"image_size", 16},
          {"patch_size", 8},
          {"num_channels", 3},
          {"qkv_bias", true},
          {"layer_norm_eps", 1e-12},
          {"id2label", {{"0", "ant"}, {"2", "cat"}, {"1", "bee"}}},
          {"label2id", {{"ant", 0}, {"bee", 1}, {"cat", 2}}}};
}

TransformersTensors vit_tensors(const std::string &prefix, std::int64_t prefix_tokens) {
  TransformersTensors tensors;
  const std::string embeddings = prefix + "embeddings.";
  tensors.add(embeddings + "patch_embeddings.projection.weight", {6, 3, 8, 8});
  tensors.add(embeddings + "patch_embeddings.projection.bias", {6});
  tensors.add(embeddings + "cls_token", {1, 1, 6});
  tensors.add(embeddings + "position_embeddings", {1, prefix_tokens + 4, 6});
  for (const char *layer : {"0", "1"})
    add_vit_block(tensors, prefix + "encoder.layer." + layer + ".", 6, 10);
  tensors.add_norm(prefix + "layernorm", 6);
  tensors.add_linear("classifier", 3, 6);
  return tensors;
}

json swin_config() {
  return {{"architectures", {"SwinForImageClassification"}},
          {"model_type", "swin"},
          {"embed_dim", 4},
          {"depths", {2, 1}},
          {"num_heads", {1, 2}},
          {"window_size", 4},
          {"image_size", 32},
          {"mlp_ratio", 2.0},
          {"num_labels", 3}};
}

TransformersTensors swin_tensors() {
  TransformersTensors tensors;
  tensors.add("swin.embeddings.patch_embeddings.projection.weight", {4, 3, 4, 4});
  tensors.add("swin.embeddings.patch_embeddings.projection.bias", {4});
  tensors.add_norm("swin.embeddings.norm", 4);
  for (const auto &[block, channels, heads] :
       {std::tuple("0.blocks.0.", 4, 1), {"0.blocks.1.", 4, 1}, {"1.blocks.0.", 8, 2}}) {
    const std::string name = std::string("swin.encoder.layers.") + block;
    add_vit_block(tensors, name, channels, 2 * channels, "attention.self");
    tensors.add(name + "attention.self.relative_position_bias_table", {49, heads});
  }
  tensors.add_norm("swin.encoder.layers.0.downsample.norm", 16);
  tensors.add("swin.encoder.layers.0.downsample.reduction.weight", {8, 16});
  tensors.add_norm("swin.layernorm", 8);
  tensors.add_linear("classifier", 3, 8);
  return tensors;
}

json image_processor() {
  return {{"image_processor_type", "ViTImageProcessor"},
          {"size", {{"height", 16}, {"width", 16}}},
          {"image_mean", {0.1, 0.2, 0.3}},
          {"image_std", {0.4, 0.5, 0.6}}};
}

std::string transformers_folder(const TransformersTensors &tensors, const json &config, const json &processor) {
  std::string folder = empty_folder("transformers");
  write_weights(tensors.all, folder + "/model.safetensors");
  write_text_file(folder + "/config.json", config.dump());
  write_text_file(folder + "/preprocessor_config.json", processor.dump());
  return folder;
}

json changed(json object, const json &patch) {
  object.update(patch);
  return object;
}

} // namespace intvit::test
