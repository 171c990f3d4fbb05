#include "models/import/text_tower.hpp"

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <utility>

#include "models/architectures/model_config.hpp"
#include "models/import/formats.hpp"
#include "models/import/huggingface_source.hpp"
#include "models/import/tensors.hpp"
#include "models/program/paths.hpp"

namespace intvit {

using namespace importer;

namespace {

namespace fs = std::filesystem;

TextConfig text_config(const json &root, const HuggingFaceConfig &config) {
  const ConfigFields fields(root);
  const ConfigFields text = fields.section("text_config");
  const bool siglip = config.is_siglip();
  TextConfig result;
  result.vocabulary = text.integer("vocab_size", siglip ? 32000 : 49408);
  result.positions = text.integer("max_position_embeddings", siglip ? 64 : 77);
  result.channels = text.integer("hidden_size", siglip ? 768 : 512);
  result.depth = text.integer("num_hidden_layers", 12);
  result.heads = text.integer("num_attention_heads", siglip ? 12 : 8);
  result.mlp_hidden = text.integer("intermediate_size", siglip ? 3072 : 2048);
  result.layer_norm_eps = text.real("layer_norm_eps", siglip ? 1e-6 : 1e-5);
  result.activation = text.activation(siglip ? "gelu_pytorch_tanh" : "quick_gelu");
  result.features = siglip ? text.integer("projection_size", result.channels) : fields.integer("projection_dim", 512);
  validate_dimension("vocabulary", result.vocabulary, 1 << 22);
  validate_dimension("number of positions", result.positions, 4096, 2); // the token that ends a text, and another
  validate_dimension("width of the text tower", result.channels, 16384);
  validate_dimension("depth of the text tower", result.depth, 1024);
  validate_multiple("width of the text tower", result.channels, "number of heads", result.heads);
  validate_dimension("MLP hidden dimension of the text tower", result.mlp_hidden, 65536);
  validate_dimension("width of the projection", result.features, 16384);
  // transformers' configurations once said 2 whatever the vocabulary; the largest token is taken then.
  result.end_token = text.integer("eos_token_id", 49407);
  result.pool = siglip ? TextPool::last : result.end_token == 2 ? TextPool::largest : TextPool::first_end;
  return result;
}

TextTower read_text_tower(TensorReader &tensors, const TextConfig &config, bool siglip) {
  const std::int64_t channels = config.channels;
  TextTower tower{config, {}, {}, {}, {}, {}};
  tower.token = tensors.matrix("text_model.embeddings.token_embedding.weight", {config.vocabulary, channels}, channels);
  tower.position =
      tensors.matrix("text_model.embeddings.position_embedding.weight", {config.positions, channels}, channels);
  for (int i = 0; i < config.depth; ++i)
    tower.blocks.push_back(read_block(tensors, "text_model.encoder.layers." + std::to_string(i) + ".",
                                      clip_block_names(), channels, config.mlp_hidden));
  tower.norm = tensors.layer_norm("text_model.final_layer_norm", channels);
  tower.projection = siglip ? tensors.linear("text_model.head", {config.features, channels})
                            : tensors.linear("text_projection", {config.features, channels}, false);
  return tower;
}

ScoreScale read_score_scale(TensorReader &tensors, bool siglip) {
  const auto one = [&](const std::string &name) {
    return static_cast<double>(siglip ? tensors.vector(name, 1)[0] : tensors.matrix(name, {}, 1)(0, 0));
  };
  const ScoreScale scale{std::exp(one("logit_scale")), siglip ? one("logit_bias") : 0.0, siglip};
  validate(scale);
  return scale;
}

// Another model's tokens would be read as other words.
void check_tokenizer(const Tokenizer &tokenizer, const TextConfig &config) {
  constexpr int padding = 64; // by which vocabularies are made multiples of powers of two
  if (const int vocabulary = tokenizer.vocabulary();
      vocabulary > config.vocabulary || config.vocabulary - vocabulary >= padding)
    throw std::runtime_error("the tokenizer has tokens up to " + std::to_string(vocabulary - 1) +
                             ", but the model a vocabulary of " + std::to_string(config.vocabulary) +
                             ": they do not belong together");
  if (config.pool == TextPool::first_end && tokenizer.end_token() != config.end_token)
    throw std::runtime_error("the tokenizer ends texts with the token " + std::to_string(tokenizer.end_token()) +
                             ", but the model looks for " + std::to_string(config.end_token) +
                             ": they do not belong together");
}

// What `read` throws begins with the weights' file.
template <class Read> void read_weights(const WeightFiles &files, const Read &read) {
  try {
    TensorReader tensors(files);
    read(tensors);
  } catch (const std::runtime_error &error) {
    throw std::runtime_error(files.path() + ": " + error.what());
  }
}

} // namespace

std::optional<ScoreScale> find_score_scale(const std::string &path) {
  const fs::path config_path = file_path(path) / "config.json";
  std::optional<HuggingFaceConfig> config;
  if (std::error_code ignored; fs::exists(config_path, ignored))
    read_json_file(path_name(config_path), [&](const json &root) {
      if (root.contains("model_type"))
        config = huggingface_config(root);
    });
  if (!config || !config->has_text)
    return std::nullopt;
  ScoreScale scale;
  read_weights(WeightFiles(path),
               [&](TensorReader &tensors) { scale = read_score_scale(tensors, config->is_siglip()); });
  return scale;
}

TextModel load_text_model(const std::string &folder, const std::string &sha256) {
  const std::string config_path = path_name(file_path(folder) / "config.json");
  HuggingFaceConfig config;
  TextModel result;
  read_json_file(config_path, [&](const json &root) {
    if (root.contains("model_type"))
      config = huggingface_config(root);
    if (!config.has_text)
      throw std::runtime_error("describes a model without a text tower, which turns the names of classes into "
                               "embeddings: it must be transformers' CLIPModel or SiglipModel");
    result.tower.config = text_config(root, config);
  });
  result.files = config.is_siglip() ? siglip_tokenizer_files(folder) : clip_tokenizer_files(folder);
  result.tokenizer = config.is_siglip() ? load_siglip_tokenizer(folder) : load_clip_tokenizer(folder);
  try {
    check_tokenizer(*result.tokenizer, result.tower.config);
  } catch (const std::runtime_error &error) {
    throw std::runtime_error(folder + ": " + error.what());
  }
  const WeightFiles weights(folder);
  if (!sha256.empty() && weights.sha256() != sha256)
    throw std::runtime_error(weights.path() + ": is not the checkpoint that the model was made of (its SHA-256 is " +
                             "another); give that one's folder, or embeddings made elsewhere with --text-features");
  read_weights(weights, [&](TensorReader &tensors) {
    result.tower = read_text_tower(tensors, result.tower.config, config.is_siglip());
    result.scale = read_score_scale(tensors, config.is_siglip());
  });
  result.files.push_back(config_path);
  for (std::string &path : weights.paths())
    result.files.push_back(std::move(path));
  return result;
}

} // namespace intvit
