#include "tests/models/import/clip_folder.hpp"

#include <cstdint>
#include <filesystem>
#include <stdexcept>

#include "models/text/tokenizer.hpp"
#include "tests/support/data.hpp"
#include "tests/support/sanitizers.hpp"

namespace intvit::test {

using nlohmann::json;

namespace {

constexpr std::int64_t images = 12; // channels
constexpr std::int64_t texts = 8;
constexpr std::int64_t hidden = 20;

void add_towers_block(TransformersTensors &tensors, const std::string &name, std::int64_t channels) {
  for (const char *part : {"q_proj", "k_proj", "v_proj", "out_proj"})
    tensors.add_linear(name + "self_attn." + part, channels, channels);
  tensors.add_norm(name + "layer_norm1", channels);
  tensors.add_norm(name + "layer_norm2", channels);
  tensors.add_linear(name + "mlp.fc1", hidden, channels);
  tensors.add_linear(name + "mlp.fc2", channels, hidden);
}

void add_blocks(TransformersTensors &tensors, const std::string &tower, std::int64_t channels) {
  for (const char *layer : {"0", "1"})
    add_towers_block(tensors, tower + ".encoder.layers." + layer + ".", channels);
}

void add_text(TransformersTensors &tensors) {
  tensors.add("text_model.embeddings.token_embedding.weight", {clip_vocabulary, texts});
  tensors.add("text_model.embeddings.position_embedding.weight", {7, texts});
  add_blocks(tensors, "text_model", texts);
  tensors.add_norm("text_model.final_layer_norm", texts);
}

json towers(const json &of_text, const json &of_images) {
  const json common = {{"intermediate_size", hidden}, {"num_hidden_layers", 2}, {"num_attention_heads", 2}};
  return {{"text_config",
           changed(changed(common,
                           {{"hidden_size", texts}, {"max_position_embeddings", 7}, {"vocab_size", clip_vocabulary}}),
                   of_text)},
          {"vision_config",
           changed(changed(common, {{"hidden_size", images}, {"image_size", 20}, {"patch_size", 8}}), of_images)}};
}

} // namespace

json clip_config() {
  return changed(towers({{"eos_token_id", 513}}, json::object()),
                 {{"architectures", {"CLIPModel"}}, {"model_type", "clip"}, {"projection_dim", 6}});
}

TransformersTensors clip_tensors() {
  TransformersTensors tensors;
  tensors.add("vision_model.embeddings.class_embedding", {images});
  tensors.add("vision_model.embeddings.patch_embedding.weight", {images, 3, 8, 8});
  tensors.add("vision_model.embeddings.position_embedding.weight", {5, images});
  tensors.add_norm("vision_model.pre_layrnorm", images);
  add_blocks(tensors, "vision_model", images);
  tensors.add_norm("vision_model.post_layernorm", images);
  tensors.add("visual_projection.weight", {6, images});
  add_text(tensors);
  tensors.add("text_projection.weight", {6, texts});
  tensors.all["logit_scale"] = {{}, {3.0F}};
  return tensors;
}

json siglip_config() {
  return changed(towers({{"projection_size", images}}, json::object()),
                 {{"architectures", {"SiglipModel"}}, {"model_type", "siglip"}});
}

TransformersTensors siglip_tensors() {
  TransformersTensors tensors;
  tensors.add("vision_model.embeddings.patch_embedding.weight", {images, 3, 8, 8});
  tensors.add("vision_model.embeddings.patch_embedding.bias", {images});
  tensors.add("vision_model.embeddings.position_embedding.weight", {4, images});
  add_blocks(tensors, "vision_model", images);
  tensors.add_norm("vision_model.post_layernorm", images);
  const std::string head = "vision_model.head.";
  tensors.add(head + "probe", {1, 1, images});
  tensors.add(head + "attention.in_proj_weight", {3 * images, images});
  tensors.add(head + "attention.in_proj_bias", {3 * images});
  tensors.add_linear(head + "attention.out_proj", images, images);
  tensors.add_norm(head + "layernorm", images);
  tensors.add_linear(head + "mlp.fc1", hidden, images);
  tensors.add_linear(head + "mlp.fc2", images, hidden);
  add_text(tensors);
  tensors.add_linear("text_model.head", images, texts);
  tensors.all["logit_scale"] = {{1}, {2.0F}};
  tensors.all["logit_bias"] = {{1}, {-4.0F}};
  return tensors;
}

json clip_processor() {
  return {{"image_processor_type", "CLIPImageProcessor"},
          {"size", {{"shortest_edge", 20}}},
          {"crop_size", {{"height", 20}, {"width", 20}}}};
}

std::string clip_folder(const TransformersTensors &tensors, const json &config) {
  std::string folder = transformers_folder(tensors, config, clip_processor());
  json vocabulary = json::object();
  for (const char *end : {"", "</w>"})
    for (int code = 0x21; code < 0x144; ++code) {
      if ((code > 0x7E && code < 0xA1) || code == 0xAD)
        continue;
      std::string piece(1, static_cast<char>(code));
      if (code >= 0x80)
        piece = {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 0x3F))};
      vocabulary[piece + end] = vocabulary.size();
    }
  for (const char *special : {"<|startoftext|>", "<|endoftext|>"})
    vocabulary[special] = vocabulary.size();
  write_text_file(folder + "/vocab.json", vocabulary.dump());
  write_text_file(folder + "/merges.txt", "#version: 0.2\n");
  return folder;
}

std::optional<std::string> siglip_folder() {
  constexpr std::int64_t pieces = 114;
  TransformersTensors tensors = siglip_tensors();
  tensors.add("text_model.embeddings.token_embedding.weight", {pieces, texts});
  tensors.add("text_model.embeddings.position_embedding.weight", {16, texts});
  json config = siglip_config();
  config["text_config"].update({{"vocab_size", pieces}, {"max_position_embeddings", 16}});
  std::string folder = transformers_folder(tensors, config, clip_processor());
  std::filesystem::copy_file(source_file("models/text/goldens/spiece.model"), folder + "/spiece.model");
  try {
    load_siglip_tokenizer(folder);
  } catch (const std::runtime_error &error) {
    if (std::string(error.what()).find("built without sentencepiece") == std::string::npos)
      throw;
    skip("needs sentencepiece");
    return std::nullopt;
  }
  return folder;
}

} // namespace intvit::test
