#include "models/architectures/swin.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>

namespace intvit {

int SwinConfig::depth() const {
  return std::accumulate(depths.begin(), depths.end(), 0);
}

Windows SwinConfig::windows(int stage, int block) const {
  Windows windows{.grid_height = grid_height() >> stage, .grid_width = grid_width() >> stage};
  windows.size = std::min({window, windows.grid_height, windows.grid_width});
  // A grid of one window has nothing to shift.
  const bool one = std::min(windows.grid_height, windows.grid_width) <= window;
  windows.shift = block % 2 == 1 && !one ? window / 2 : 0;
  return windows;
}

BlockConfig SwinConfig::block(int stage, int block) const {
  const Windows layout = windows(stage, block);
  return {layout.tokens(), heads[static_cast<std::size_t>(stage)], layer_norm_eps, layout};
}

void validate(const SwinConfig &config) {
  validate_common(config);
  validate_dimension("number of stages", config.stages(), 8);
  if (config.heads.size() != config.depths.size())
    throw std::runtime_error("heads are given for " + std::to_string(config.heads.size()) + " stages of " +
                             std::to_string(config.stages()));
  validate_dimension("embedding dimension", config.channels, 4096);
  validate_dimension("window size", config.window, 256);
  if (!(config.mlp_ratio >= 0.01 && config.mlp_ratio <= 64))
    throw std::runtime_error("MLP ratio is " + std::to_string(config.mlp_ratio) + ", must be between 0.01 and 64");
  for (int stage = 0; stage < config.stages(); ++stage) {
    const auto index = static_cast<std::size_t>(stage);
    validate_dimension("depth", config.depths[index], 1024);
    validate_dimension("number of heads", config.heads[index], 1024);
    validate_multiple("embedding dimension", config.stage_channels(stage), "number of heads", config.heads[index]);
    validate_dimension("MLP hidden dimension", config.stage_mlp_hidden(stage), 1 << 20);
    const Windows windows = config.windows(stage, 0);
    validate_dimension("grid height", windows.grid_height, 4096);
    validate_dimension("grid width", windows.grid_width, 4096);
    validate_multiple("grid height", windows.grid_height, "window size", windows.size);
    validate_multiple("grid width", windows.grid_width, "window size", windows.size);
    if (stage + 1 < config.stages()) {
      validate_multiple("grid height", windows.grid_height, "merged tokens", 2);
      validate_multiple("grid width", windows.grid_width, "merged tokens", 2);
    }
  }
}

SwinWeights::SwinWeights(const SwinConfig &config)
    : patch_embed(zero_linear(config.channels, config.patch_inputs())), patch_norm(zero_layer_norm(config.channels)),
      stages(static_cast<std::size_t>(config.stages())), norm(zero_layer_norm(config.features())) {
  for (int stage = 0; stage < config.stages(); ++stage) {
    const auto index = static_cast<std::size_t>(stage);
    const int channels = config.stage_channels(stage);
    if (stage > 0) {
      stages[index].merge_norm = zero_layer_norm(2 * channels);
      stages[index].merge = zero_linear(channels, 2 * channels);
    }
    BlockWeights block = zero_block(channels, config.stage_mlp_hidden(stage));
    const Eigen::Index offsets = 2 * config.windows(stage, 0).size - 1;
    block.position_bias = RowMatrix::Zero(config.heads[index], offsets * offsets);
    stages[index].blocks.assign(static_cast<std::size_t>(config.depths[index]), block);
  }
  if (config.classes > 0)
    head = zero_linear(config.classes, config.features());
}

std::vector<NamedTensor> named_tensors(const SwinConfig &config, SwinWeights &weights) {
  NamedTensors tensors;
  tensors.add_linear("patch_embed.proj", {config.channels, 3, config.patch, config.patch}, weights.patch_embed);
  tensors.add_layer_norm("patch_embed.norm", config.channels, weights.patch_norm);
  for (int stage = 0; stage < config.stages(); ++stage) {
    const auto index = static_cast<std::size_t>(stage);
    SwinStageWeights &layer = weights.stages[index];
    const std::string prefix = "layers." + std::to_string(stage) + ".";
    const std::int64_t channels = config.stage_channels(stage);
    if (stage > 0) {
      tensors.add_layer_norm(prefix + "downsample.norm", 2 * channels, layer.merge_norm);
      tensors.add_linear(prefix + "downsample.reduction", {channels, 2 * channels}, layer.merge);
    }
    const std::int64_t offsets = 2 * config.windows(stage, 0).size - 1;
    for (std::size_t i = 0; i < layer.blocks.size(); ++i) {
      const std::string block = prefix + "blocks." + std::to_string(i) + ".";
      tensors.add_block(block, channels, config.stage_mlp_hidden(stage), layer.blocks[i]);
      tensors.add(block + "attn.position_bias", {config.heads[index], offsets * offsets},
                  layer.blocks[i].position_bias.data());
    }
  }
  tensors.add_layer_norm("norm", config.features(), weights.norm);
  if (config.classes > 0)
    tensors.add_linear("head", {config.classes, config.features()}, weights.head);
  return tensors.take();
}

SwinModel random_swin(const SwinConfig &config, std::uint32_t seed) {
  validate(config);
  SwinModel model{config, SwinWeights(config), {}};
  randomize(named_tensors(config, model.weights), seed);
  return model;
}

} // namespace intvit
