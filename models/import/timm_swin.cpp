// timm's SwinTransformer.
#include <cmath>
#include <stdexcept>

#include "models/import/tensors.hpp"
#include "models/import/timm_source.hpp"

namespace intvit::importer {

namespace {

// timm up to 0.8 put the merging of patches at the end of a stage and named the head as ViT does.
struct Form {
  bool merges_last = false;
  std::string head;
};

// Their shapes differ from those of SwinStageWeights.
using PositionBiases = std::vector<std::vector<RowMatrix>>; // [stage][block]: [(2 window - 1)^2, heads]

std::string block_prefix(int stage, int block) {
  return "layers." + std::to_string(stage) + ".blocks." + std::to_string(block) + ".";
}

std::string bias_name(int stage, int block) {
  return block_prefix(stage, block) + "attn.relative_position_bias_table";
}

int window_of(const TimmSource &source, int stage) {
  const std::string name = bias_name(stage, 0);
  const int offsets = source.dimension(name, 2, 0);
  const auto side = static_cast<int>(std::lround(std::sqrt(static_cast<double>(offsets))));
  if (side * side != offsets || side % 2 == 0)
    throw std::runtime_error("tensor " + name + " has " + std::to_string(offsets) +
                             " offsets, which is no square of an odd number");
  return (side + 1) / 2;
}

void infer_dimensions(const TimmSource &source, const std::optional<SwinConfig> &architecture, const Form &form,
                      SwinConfig &config) {
  config.channels = source.dimension("patch_embed.proj.weight", 4, 0);
  config.patch = source.dimension("patch_embed.proj.weight", 4, 2);
  config.depths.clear();
  config.heads.clear();
  config.window = 0;
  const int stages = source.count("layers.");
  validate_dimension("number of stages", stages, 8);
  for (int stage = 0; stage < stages; ++stage) {
    config.depths.push_back(source.count("layers." + std::to_string(stage) + ".blocks."));
    config.heads.push_back(source.dimension(bias_name(stage, 0), 2, 1));
    config.window = std::max(config.window, window_of(source, stage)); // the last stages' may be smaller
  }
  config.mlp_ratio = static_cast<double>(source.dimension(block_prefix(0, 0) + "mlp.fc1.weight", 2, 0)) /
                     static_cast<double>(config.channels);
  config.classes = source.classes(form.head + ".weight");

  const TimmConfig &declared = source.config;
  const auto agree = [&](const char *what, auto actual, const auto &configured, auto member) {
    source.require_agreement(what, actual, configured,
                             architecture ? std::optional((*architecture).*member) : std::nullopt);
  };
  agree("patch size", config.patch, declared.patch, &SwinConfig::patch);
  agree("embedding dimension", config.channels, declared.channels, &SwinConfig::channels);
  agree("depths", config.depths, declared.depths, &SwinConfig::depths);
  agree("numbers of heads", config.heads, declared.heads, &SwinConfig::heads);
  agree("window size", config.window, declared.window, &SwinConfig::window);
  if (declared.mlp_ratio)
    source.require_agreement("MLP hidden dimension", config.stage_mlp_hidden(0),
                             static_cast<int>(config.channels * *declared.mlp_ratio), std::nullopt);
}

std::vector<NamedTensor> tensors_of(const SwinConfig &config, const Form &form, SwinWeights &weights,
                                    PositionBiases &biases) {
  NamedTensors tensors;
  tensors.add_linear("patch_embed.proj", {config.channels, 3, config.patch, config.patch}, weights.patch_embed);
  tensors.add_layer_norm("patch_embed.norm", config.channels, weights.patch_norm);
  for (int stage = 0; stage < config.stages(); ++stage) {
    const auto index = static_cast<std::size_t>(stage);
    SwinStageWeights &layer = weights.stages[index];
    const std::int64_t channels = config.stage_channels(stage);
    if (stage > 0) {
      const std::string prefix = "layers." + std::to_string(form.merges_last ? stage - 1 : stage) + ".downsample.";
      tensors.add_layer_norm(prefix + "norm", 2 * channels, layer.merge_norm);
      tensors.add(prefix + "reduction.weight", {channels, 2 * channels}, layer.merge.weight.data());
    }
    const std::int64_t offsets = 2 * config.windows(stage, 0).size - 1;
    for (int block = 0; block < config.depths[index]; ++block) {
      const auto i = static_cast<std::size_t>(block);
      tensors.add_block(block_prefix(stage, block), channels, config.stage_mlp_hidden(stage), layer.blocks[i]);
      tensors.add(bias_name(stage, block), {offsets * offsets, config.heads[index]}, biases[index][i].data());
    }
  }
  tensors.add_layer_norm("norm", config.features(), weights.norm);
  if (config.classes > 0)
    tensors.add_linear(form.head, {config.classes, config.features()}, weights.head);
  return tensors.take();
}

} // namespace

SwinModel read_timm_swin(const TimmSource &source) {
  std::optional<SwinConfig> architecture;
  if (source.architecture) {
    if (!std::holds_alternative<SwinConfig>(*source.architecture))
      throw std::runtime_error("the tensors are those of a Swin Transformer, but the architecture is " +
                               common_config(*source.architecture).architecture);
    architecture = std::get<SwinConfig>(*source.architecture);
  }
  if (source.config.mean_pool && !*source.config.mean_pool)
    throw std::runtime_error("\"global_pool\" is not \"avg\" by " + source.config_path +
                             "; only Swin models that classify by the mean are supported");
  const Form form{.merges_last = source.has("layers.0.downsample.norm.weight"),
                  .head = source.has("head.weight") ? "head" : "head.fc"};
  SwinModel model;
  SwinConfig &config = model.config;
  if (architecture)
    config = *architecture;
  else
    config.architecture = source.config.architecture.empty() ? "swin" : source.config.architecture;
  infer_dimensions(source, architecture, form, config);
  if (source.config.image_size) {
    config.image_height = source.config.image_size->first;
    config.image_width = source.config.image_size->second;
  } else if (!architecture) {
    throw std::runtime_error("the image size is unknown: weights do not tell it. Name the architecture or put "
                             "config.json beside model.safetensors");
  }
  source.read_preprocessing(config);
  validate(config);

  SwinWeights unallocated;
  unallocated.stages.resize(config.depths.size());
  PositionBiases biases(config.depths.size());
  for (std::size_t stage = 0; stage < biases.size(); ++stage) {
    unallocated.stages[stage].blocks.resize(static_cast<std::size_t>(config.depths[stage]));
    biases[stage].resize(static_cast<std::size_t>(config.depths[stage]));
  }
  source.check(tensors_of(config, form, unallocated, biases));

  model.weights = SwinWeights(config);
  for (std::size_t stage = 0; stage < biases.size(); ++stage)
    for (std::size_t i = 0; i < biases[stage].size(); ++i) {
      const RowMatrix &bias = model.weights.stages[stage].blocks[i].position_bias;
      biases[stage][i].resize(bias.cols(), bias.rows());
    }
  source.read(tensors_of(config, form, model.weights, biases));
  for (std::size_t stage = 0; stage < biases.size(); ++stage)
    for (std::size_t i = 0; i < biases[stage].size(); ++i)
      model.weights.stages[stage].blocks[i].position_bias = biases[stage][i].transpose();
  return model;
}

} // namespace intvit::importer
