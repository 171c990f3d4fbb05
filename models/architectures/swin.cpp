#include "models/architectures/swin.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>

namespace intvit {

int SwinConfig::depth() const {
  return std::accumulate(depths.begin(), depths.end(), 0);
}

Windows SwinConfig::windows(int stage, int block) const {
  const auto side = [stage](int whole) { return (whole + (1 << stage) - 1) >> stage; };
  Windows windows{.grid_height = side(grid_height()), .grid_width = side(grid_width())};
  const int target = stage_window(stage);
  windows.size = std::min({target, windows.grid_height, windows.grid_width});
  // A grid of one window has nothing to shift.
  const bool one = std::min(windows.grid_height, windows.grid_width) <= target;
  windows.shift = block % 2 == 1 && !one ? target / 2 : 0;
  windows.rolled_first = rolled_first;
  return windows;
}

bool SwinConfig::one_grid(int stage) const {
  const Windows layout = windows(stage, 0);
  return v2 && layout.size == layout.grid_height && layout.size == layout.grid_width;
}

int SwinConfig::position_biases(int stage) const {
  const int offsets = 2 * windows(stage, 0).size - 1;
  return offsets * offsets + (one_grid(stage) ? 3 : 0);
}

BlockConfig SwinConfig::block(int stage, int block) const {
  const Windows layout = windows(stage, block);
  BlockConfig result{layout.tokens(), heads[static_cast<std::size_t>(stage)], layer_norm_eps, layout, activation,
                     nullptr};
  if (one_grid(stage)) {
    result.windows.reset();
    result.bias_grid = BiasGrid{layout.grid_height, layout.grid_width};
  }
  result.post_norms = v2;
  result.cosine = v2;
  return result;
}

void validate(const SwinConfig &config) {
  validate_common(config);
  validate_dimension("number of stages", config.stages(), 8);
  if (config.heads.size() != config.depths.size())
    throw std::runtime_error("heads are given for " + std::to_string(config.heads.size()) + " stages of " +
                             std::to_string(config.stages()));
  validate_dimension("embedding dimension", config.channels, 4096);
  validate_dimension("window size", config.window, 256);
  if (!config.stage_windows.empty() && config.stage_windows.size() != config.depths.size())
    throw std::runtime_error("windows are given for " + std::to_string(config.stage_windows.size()) + " stages of " +
                             std::to_string(config.stages()));
  if (!config.pretrained_windows.empty() && config.pretrained_windows.size() != config.depths.size())
    throw std::runtime_error("windows of the training before are given for " +
                             std::to_string(config.pretrained_windows.size()) + " stages of " +
                             std::to_string(config.stages()));
  if (!(config.mlp_ratio >= 0.01 && config.mlp_ratio <= 64))
    throw std::runtime_error("MLP ratio is " + std::to_string(config.mlp_ratio) + ", must be between 0.01 and 64");
  for (int stage = 0; stage < config.stages(); ++stage) {
    const auto index = static_cast<std::size_t>(stage);
    validate_dimension("window size", config.stage_window(stage), 256);
    validate_dimension("depth", config.depths[index], 1024);
    validate_dimension("number of heads", config.heads[index], 1024);
    validate_multiple("embedding dimension", config.stage_channels(stage), "number of heads", config.heads[index]);
    validate_dimension("MLP hidden dimension", config.stage_mlp_hidden(stage), 1 << 20);
    const Windows windows = config.windows(stage, 0);
    validate_dimension("grid height", windows.grid_height, 4096);
    validate_dimension("grid width", windows.grid_width, 4096);
  }
}

SwinWeights::SwinWeights(const SwinConfig &config)
    : patch_embed(zero_linear(config.channels, config.patch_inputs())), patch_norm(zero_layer_norm(config.channels)),
      stages(static_cast<std::size_t>(config.stages())), norm(zero_layer_norm(config.features())) {
  for (int stage = 0; stage < config.stages(); ++stage) {
    const auto index = static_cast<std::size_t>(stage);
    const int channels = config.stage_channels(stage);
    if (stage > 0) {
      stages[index].merge_norm = zero_layer_norm(config.v2 ? channels : 2 * channels);
      stages[index].merge = zero_linear(channels, 2 * channels);
    }
    BlockWeights block = zero_block(channels, config.stage_mlp_hidden(stage));
    block.position_bias = RowMatrix::Zero(config.heads[index], config.position_biases(stage));
    if (config.v2)
      block.cosine_scale = RowVector::Zero(config.heads[index]);
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
      tensors.add_layer_norm(prefix + "downsample.norm", config.v2 ? channels : 2 * channels, layer.merge_norm);
      tensors.add_linear(prefix + "downsample.reduction", {channels, 2 * channels}, layer.merge);
    }
    for (std::size_t i = 0; i < layer.blocks.size(); ++i) {
      const std::string block = prefix + "blocks." + std::to_string(i) + ".";
      tensors.add_block(block, channels, config.stage_mlp_hidden(stage), layer.blocks[i]);
      tensors.add(block + "attn.position_bias", {config.heads[index], config.position_biases(stage)},
                  layer.blocks[i].position_bias.data());
    }
  }
  tensors.add_layer_norm("norm", config.features(), weights.norm);
  if (config.classes > 0)
    tensors.add_linear("head", {config.classes, config.features()}, weights.head);
  return tensors.take();
}

void set_image_size(SwinModel &model, int height, int width, Resampling /*resampling*/) {
  SwinConfig config = model.config;
  config.image_height = height;
  config.image_width = width;
  validate(config);
  for (int stage = 0; stage < config.stages(); ++stage)
    if (config.windows(stage, 0).size != model.config.windows(stage, 0).size)
      throw std::runtime_error("images of " + std::to_string(width) + " x " + std::to_string(height) +
                               " pixels would change the windows of stage " + std::to_string(stage) +
                               ", whose position biases cannot be resampled");
  model.config = config;
}

Network network(const SwinConfig &config, const SwinWeights *weights) {
  Network result;
  result.common = static_cast<const ModelConfig &>(config);
  result.embedding = {.channels = config.channels, .normalized = true};
  for (int stage = 0; stage < config.stages(); ++stage) {
    const std::string name = "layers." + std::to_string(stage);
    const SwinStageWeights *const of_stage =
        weights == nullptr ? nullptr : &weights->stages[static_cast<std::size_t>(stage)];
    if (stage > 0) {
      const Windows before = config.windows(stage - 1, 0);
      result.body.push_back(MergingPart{.name = name + ".downsample",
                                        .grid_height = before.grid_height,
                                        .grid_width = before.grid_width,
                                        .normed_after = config.v2,
                                        .norm = of_stage == nullptr ? nullptr : &of_stage->merge_norm,
                                        .reduction = of_stage == nullptr ? nullptr : &of_stage->merge});
    }
    for (int i = 0; i < config.depths[static_cast<std::size_t>(stage)]; ++i)
      result.body.push_back(
          BlockPart{.name = name + ".blocks." + std::to_string(i),
                    .config = config.block(stage, i),
                    .mlp_hidden = config.stage_mlp_hidden(stage),
                    .weights = of_stage == nullptr ? nullptr : &of_stage->blocks[static_cast<std::size_t>(i)]});
  }
  result.end = {.pool = Pool::normed_mean,
                .rows = config.windows(config.stages() - 1, 0).tokens(),
                .channels = config.features(),
                .classes = config.classes,
                .head_weighs_errors = false};
  if (weights != nullptr) {
    result.embedding.patch_embed = &weights->patch_embed;
    result.embedding.norm = &weights->patch_norm;
    result.end.norm = &weights->norm;
    result.end.head = &weights->head;
  }
  return result;
}

namespace {

SwinConfig swin(const char *name, int channels, int third_depth, int first_heads, int window, int image) {
  SwinConfig config;
  config.architecture =
      std::string("swin_") + name + "_patch4_window" + std::to_string(window) + "_" + std::to_string(image);
  config.image_height = image;
  config.image_width = image;
  config.channels = channels;
  config.depths = {2, 2, third_depth, 2};
  config.heads = {first_heads, 2 * first_heads, 4 * first_heads, 8 * first_heads};
  config.window = window;
  config.classes = 1000;
  config.mean = imagenet_mean;
  config.std = imagenet_std;
  if (image > 256)
    config.crop_pct = 1.0;
  return config;
}

// Swin-S3 (arXiv 2111.14725), which has windows of other sizes in some stages.
SwinConfig swin_s3(const char *name, int third_depth, std::vector<int> windows) {
  SwinConfig config = swin("s3", 96, third_depth, 3, 14, 224);
  config.architecture = std::string("swin_s3_") + name + "_224";
  config.stage_windows = std::move(windows);
  return config;
}

SwinConfig swin_v2(const char *name, int channels, int third_depth, int first_heads, int window, int image) {
  SwinConfig config = swin(name, channels, third_depth, first_heads, window, image);
  config.architecture =
      std::string("swinv2_") + name + "_window" + std::to_string(window) + "_" + std::to_string(image);
  config.v2 = true;
  return config;
}

// Trained on pictures of 192 pixels in windows of 12 before.
SwinConfig finetuned(SwinConfig config, const std::string &name) {
  const std::string window = std::to_string(config.window);
  config.architecture = "swinv2_" + name + "_window12to" + window + "_192to" + std::to_string(config.image_height);
  config.pretrained_windows = {12, 12, 12, 6};
  return config;
}

std::vector<SwinConfig> all_swin_v2() {
  std::vector<SwinConfig> all;
  for (const int window : {8, 16}) {
    all.push_back(swin_v2("tiny", 96, 6, 3, window, 256));
    all.push_back(swin_v2("small", 96, 18, 3, window, 256));
    all.push_back(swin_v2("base", 128, 18, 4, window, 256));
  }
  for (const auto &[name, channels, heads] : {std::tuple("base", 128, 4), {"large", 192, 6}}) {
    all.push_back(swin_v2(name, channels, 18, heads, 12, 192));
    all.back().classes = 21841;
    all.push_back(finetuned(swin_v2(name, channels, 18, heads, 16, 256), name));
    all.push_back(finetuned(swin_v2(name, channels, 18, heads, 24, 384), name));
  }
  return all;
}

} // namespace

std::vector<SwinConfig> SwinConfig::known() {
  std::vector<SwinConfig> all = {
      swin("tiny", 96, 6, 3, 7, 224),    swin("small", 96, 18, 3, 7, 224),      swin("base", 128, 18, 4, 7, 224),
      swin("base", 128, 18, 4, 12, 384), swin("large", 192, 18, 6, 7, 224),     swin("large", 192, 18, 6, 12, 384),
      swin_s3("tiny", 6, {7, 7, 14, 7}), swin_s3("small", 18, {14, 14, 14, 7}), swin_s3("base", 30, {7, 7, 14, 7})};
  const std::vector<SwinConfig> second = all_swin_v2();
  all.insert(all.end(), second.begin(), second.end());
  return all;
}

} // namespace intvit
