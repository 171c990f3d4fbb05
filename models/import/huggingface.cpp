#include "models/import/huggingface.hpp"

#include <filesystem>
#include <stdexcept>

#include "models/import/huggingface_config.hpp"
#include "models/import/image_processor.hpp"
#include "models/import/position_embedding.hpp"
#include "models/import/tensors.hpp"
#include "models/import/weight_files.hpp"

namespace intvit::importer {

namespace {

namespace fs = std::filesystem;

// What a block's tensors are called, after the block's own name.
struct BlockNames {
  std::string norm1 = "layernorm_before";
  std::string attention = "attention.attention"; // .query, .key, .value
  std::string norm2 = "layernorm_after";
  std::string fc1 = "intermediate.dense";
  std::string fc2 = "output.dense";
};

class Reader {
public:
  Reader(const WeightFiles &files, const HuggingFaceConfig &config) : tensors_(files), config_(config) {
    if (config.is_dinov2())
      names_ = {"norm1", "attention.attention", "norm2", "mlp.fc1", "mlp.fc2"};
    if (config.model_type == "swin")
      names_.attention = "attention.self";
  }

  VitModel vit(const VitConfig &config) {
    VitModel model{config, {}, config_.labels};
    VitWeights &weights = model.weights;
    embed_vit(config, weights);
    for (int i = 0; i < config.depth; ++i)
      weights.blocks.push_back(
          block(prefix() + "encoder.layer." + std::to_string(i) + ".", config.channels, config.mlp_hidden));
    weights.norm = tensors_.layer_norm(prefix() + "layernorm", config.channels);
    if (config.pool == VitPool::token_pair)
      weights.head = two_heads(config);
    else if (config.classes > 0)
      weights.head = tensors_.linear("classifier", {config.classes, config.channels});
    tensors_.ignore(prefix() + "pooler.dense.weight"); // behind what is taken for the features
    tensors_.ignore(prefix() + "pooler.dense.bias");
    finish();
    return model;
  }

  SwinModel swin(const SwinConfig &config) {
    SwinModel model{config, {}, config_.labels};
    SwinWeights &weights = model.weights;
    weights.patch_embed = patch_embed(config, config.channels);
    weights.patch_norm = tensors_.layer_norm(prefix() + "embeddings.norm", config.channels);
    for (int stage = 0; stage < config.stages(); ++stage)
      weights.stages.push_back(swin_stage(config, stage));
    weights.norm = tensors_.layer_norm(prefix() + "layernorm", config.features());
    if (config.classes > 0)
      weights.head = tensors_.linear("classifier", {config.classes, config.features()});
    finish();
    return model;
  }

private:
  const std::string &prefix() const { return config_.prefix; }

  LinearWeights patch_embed(const ModelConfig &config, int channels) {
    return tensors_.linear(prefix() + "embeddings.patch_embeddings.projection",
                           {channels, 3, config.patch, config.patch});
  }

  // Class token, distillation token, registers; registers have no positions.
  void embed_vit(const VitConfig &config, VitWeights &weights) {
    const std::string name = prefix() + "embeddings.";
    const Eigen::Index channels = config.channels;
    weights.patch_embed = patch_embed(config, config.channels);
    const int positioned = config.prefix_tokens - config_.registers;
    const RowMatrix position =
        tensors_.matrix(name + "position_embeddings", {1, positioned + config.patches(), channels}, channels);
    weights.position = position.bottomRows(config.patches());
    weights.prefix.resize(config.prefix_tokens, channels);
    weights.prefix.row(0) = tensors_.matrix(name + "cls_token", {1, 1, channels}, channels);
    if (config_.model_type == "deit")
      weights.prefix.row(1) = tensors_.matrix(name + "distillation_token", {1, 1, channels}, channels);
    weights.prefix.topRows(positioned) += position.topRows(positioned);
    if (config_.registers > 0)
      weights.prefix.bottomRows(config_.registers) =
          tensors_.matrix(name + "register_tokens", {1, config_.registers, channels}, channels);
  }

  BlockWeights block(const std::string &name, std::int64_t channels, std::int64_t mlp_hidden) {
    BlockWeights block;
    block.norm1 = tensors_.layer_norm(name + names_.norm1, channels);
    block.qkv = qkv(name + names_.attention + ".", channels);
    block.proj = tensors_.linear(name + "attention.output.dense", {channels, channels});
    block.norm2 = tensors_.layer_norm(name + names_.norm2, channels);
    block.fc1 = tensors_.linear(name + names_.fc1, {mlp_hidden, channels});
    block.fc2 = tensors_.linear(name + names_.fc2, {channels, mlp_hidden});
    if (config_.is_dinov2()) {
      scale_outputs(tensors_.vector(name + "layer_scale1.lambda1", channels), block.proj);
      scale_outputs(tensors_.vector(name + "layer_scale2.lambda1", channels), block.fc2);
    }
    return block;
  }

  LinearWeights qkv(const std::string &name, std::int64_t channels) {
    const auto part = [&](const char *what) {
      return tensors_.linear(name + what, {channels, channels}, config_.qkv_bias);
    };
    const LinearWeights query = part("query");
    const LinearWeights key = part("key");
    const LinearWeights value = part("value");
    LinearWeights qkv{RowMatrix(3 * channels, channels), RowVector(3 * channels)};
    qkv.weight << query.weight, key.weight, value.weight;
    qkv.bias << query.bias, key.bias, value.bias;
    return qkv;
  }

  // The logits of the two heads are averaged.
  LinearWeights two_heads(const VitConfig &config) {
    const LinearWeights token = tensors_.linear("cls_classifier", {config.classes, config.channels});
    const LinearWeights distilled = tensors_.linear("distillation_classifier", {config.classes, config.channels});
    LinearWeights head{RowMatrix(config.classes, 2 * config.channels), (token.bias + distilled.bias) * 0.5F};
    head.weight << token.weight * 0.5F, distilled.weight * 0.5F;
    return head;
  }

  SwinStageWeights swin_stage(const SwinConfig &config, int stage) {
    SwinStageWeights weights;
    const std::int64_t channels = config.stage_channels(stage);
    if (stage > 0) { // transformers merges at the end of the stage before
      const std::string name = prefix() + "encoder.layers." + std::to_string(stage - 1) + ".downsample.";
      weights.merge_norm = tensors_.layer_norm(name + "norm", 2 * channels);
      weights.merge = tensors_.linear(name + "reduction", {channels, 2 * channels}, false);
    }
    const std::int64_t offsets = 2 * config.windows(stage, 0).size - 1;
    const auto index = static_cast<std::size_t>(stage);
    for (int i = 0; i < config.depths[index]; ++i) {
      const std::string name =
          prefix() + "encoder.layers." + std::to_string(stage) + ".blocks." + std::to_string(i) + ".";
      BlockWeights &block = weights.blocks.emplace_back(this->block(name, channels, config.stage_mlp_hidden(stage)));
      block.position_bias = tensors_
                                .matrix(name + names_.attention + ".relative_position_bias_table",
                                        {offsets * offsets, config.heads[index]}, config.heads[index])
                                .transpose();
      tensors_.ignore(name + names_.attention + ".relative_position_index"); // a buffer that older files hold
    }
    return weights;
  }

  void finish() {
    tensors_.ignore(prefix() + "embeddings.mask_token"); // of pre-training
    tensors_.require_all_read("config.json describes a " + config_.model_type + " without it");
  }

  TensorReader tensors_;
  const HuggingFaceConfig &config_;
  BlockNames names_;
};

// The model takes what the processor gives. DINOv2, which is trained on larger pictures than it is used with, is
// resampled as transformers does it, with antialiasing or without.
void fit_image_size(const HuggingFaceConfig &config, const Recipe &recipe, FloatModel &model) {
  const ModelConfig &size = common_config(model);
  if (recipe.crop_width == size.image_width && recipe.crop_height == size.image_height)
    return;
  if (!config.is_dinov2())
    throw std::runtime_error("gives pictures of " + std::to_string(recipe.crop_width) + " x " +
                             std::to_string(recipe.crop_height) + " pixels, but \"image_size\" of config.json is " +
                             std::to_string(size.image_width) + " x " + std::to_string(size.image_height));
  set_image_size(std::get<VitModel>(model), recipe.crop_height, recipe.crop_width,
                 config.model_type == "dinov2" ? Antialias::no : Antialias::yes);
}

FloatModel read_model(const WeightFiles &files, const HuggingFaceConfig &config) {
  try {
    Reader reader(files, config);
    if (const auto *vit = std::get_if<VitConfig>(&config.architecture))
      return reader.vit(*vit);
    return reader.swin(std::get<SwinConfig>(config.architecture));
  } catch (const std::runtime_error &error) {
    throw std::runtime_error(files.path() + ": " + error.what());
  }
}

} // namespace

HuggingFaceModel load_huggingface(const std::string &folder) {
  const HuggingFaceConfig config = read_huggingface_config((fs::path(folder) / "config.json").string());
  const std::string processor_path = (fs::path(folder) / "preprocessor_config.json").string();
  const ImageProcessor processor = read_image_processor(processor_path, config.model_type);
  HuggingFaceModel result{read_model(WeightFiles(folder), config), processor.recipe};
  try {
    std::visit(
        [&](auto &model) {
          model.config.mean = processor.mean;
          model.config.std = processor.std;
        },
        result.model);
    fit_image_size(config, processor.recipe, result.model);
    validate(result.model);
  } catch (const std::runtime_error &error) {
    throw std::runtime_error(processor_path + ": " + error.what());
  }
  return result;
}

} // namespace intvit::importer
