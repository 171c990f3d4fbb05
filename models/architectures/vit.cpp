#include "models/architectures/vit.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <random>
#include <stdexcept>

namespace intvit {

namespace {

void validate_dimension(const char *what, int value, int limit) {
  if (value < 1 || value > limit)
    throw std::runtime_error(std::string(what) + " is " + std::to_string(value) + ", must be 1 to " +
                             std::to_string(limit));
}

void validate_multiple(const char *what, int value, const char *of, int divisor) {
  if (value % divisor != 0)
    throw std::runtime_error(std::string(what) + " " + std::to_string(value) + " is not a multiple of " + of + " " +
                             std::to_string(divisor));
}

void validate_range(const char *what, double value, double low, double high) {
  if (!(value >= low && value <= high)) // also refuses NaN
    throw std::runtime_error(std::string(what) + " is " + std::to_string(value) + ", must be between " +
                             std::to_string(low) + " and " + std::to_string(high));
}

LinearWeights zero_linear(int outputs, int inputs) {
  return {RowMatrix::Zero(outputs, inputs), RowVector::Zero(outputs)};
}

LayerNormWeights zero_layer_norm(int channels) {
  return {RowVector::Zero(channels), RowVector::Zero(channels)};
}

} // namespace

void validate(const VitConfig &config) {
  validate_dimension("image height", config.image_height, 16384);
  validate_dimension("image width", config.image_width, 16384);
  validate_dimension("patch size", config.patch, 512);
  validate_multiple("image height", config.image_height, "patch size", config.patch);
  validate_multiple("image width", config.image_width, "patch size", config.patch);
  validate_dimension("embedding dimension", config.channels, 16384);
  validate_dimension("depth", config.depth, 1024);
  validate_dimension("number of heads", config.heads, 1024);
  validate_multiple("embedding dimension", config.channels, "number of heads", config.heads);
  validate_dimension("MLP hidden dimension", config.mlp_hidden, 65536);
  validate_dimension("number of classes", config.classes, 1 << 20);
  validate_range("LayerNorm eps", config.layer_norm_eps, 1e-12, 1.0);
  for (const double mean : config.mean)
    validate_range("mean", mean, 0.0, 1.0);
  for (const double std : config.std)
    validate_range("std", std, 1e-3, 1e3);
  validate_range("crop_pct", config.crop_pct, 1e-2, 1.0);
  const std::array<std::string, 4> filters = {"bicubic", "bilinear", "lanczos", "box"};
  if (std::find(filters.begin(), filters.end(), config.interpolation) == filters.end())
    throw std::runtime_error("interpolation \"" + config.interpolation +
                             "\" is not supported: use bicubic, bilinear, lanczos or box");
}

VitWeights::VitWeights(const VitConfig &config)
    : patch_embed(zero_linear(config.channels, config.patch_inputs())), cls_token(RowVector::Zero(config.channels)),
      pos_embed(RowMatrix::Zero(config.tokens(), config.channels)), norm(zero_layer_norm(config.channels)),
      head(zero_linear(config.classes, config.channels)) {
  const BlockWeights block = {zero_layer_norm(config.channels),
                              zero_linear(3 * config.channels, config.channels),
                              zero_linear(config.channels, config.channels),
                              zero_layer_norm(config.channels),
                              zero_linear(config.mlp_hidden, config.channels),
                              zero_linear(config.channels, config.mlp_hidden)};
  blocks.assign(static_cast<std::size_t>(config.depth), block);
}

std::int64_t NamedTensor::elements() const {
  return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}

std::vector<NamedTensor> named_tensors(const VitConfig &config, VitWeights &weights) {
  std::vector<NamedTensor> tensors;
  const auto linear = [&](const std::string &name, LinearWeights &layer, std::vector<std::int64_t> shape) {
    const std::int64_t outputs = shape.front();
    tensors.push_back({name + ".weight", std::move(shape), layer.weight.data()});
    tensors.push_back({name + ".bias", {outputs}, layer.bias.data()});
  };
  const auto layer_norm = [&](const std::string &name, LayerNormWeights &layer) {
    tensors.push_back({name + ".weight", {config.channels}, layer.weight.data()});
    tensors.push_back({name + ".bias", {config.channels}, layer.bias.data()});
  };

  const std::int64_t channels = config.channels;
  linear("patch_embed.proj", weights.patch_embed, {channels, 3, config.patch, config.patch});
  tensors.push_back({"cls_token", {1, 1, channels}, weights.cls_token.data()});
  tensors.push_back({"pos_embed", {1, config.tokens(), channels}, weights.pos_embed.data()});
  for (std::size_t i = 0; i < weights.blocks.size(); ++i) {
    BlockWeights &block = weights.blocks[i];
    const std::string prefix = "blocks." + std::to_string(i) + ".";
    layer_norm(prefix + "norm1", block.norm1);
    linear(prefix + "attn.qkv", block.qkv, {3 * channels, channels});
    linear(prefix + "attn.proj", block.proj, {channels, channels});
    layer_norm(prefix + "norm2", block.norm2);
    linear(prefix + "mlp.fc1", block.fc1, {config.mlp_hidden, channels});
    linear(prefix + "mlp.fc2", block.fc2, {channels, config.mlp_hidden});
  }
  layer_norm("norm", weights.norm);
  linear("head", weights.head, {config.classes, channels});
  return tensors;
}

VitModel random_vit(const VitConfig &config, std::uint32_t seed) {
  validate(config);
  VitModel model{config, VitWeights(config), {}};
  std::mt19937 generator(seed);
  // std::uniform_real_distribution differs between standard libraries; 24 bits and a power of two do not.
  const auto uniform = [&generator](float low, float high) {
    return low + (high - low) * (static_cast<float>(generator() >> 8) * 0x1p-24F);
  };
  for (const NamedTensor &tensor : named_tensors(config, model.weights)) {
    const bool is_norm = tensor.name.find("norm") != std::string::npos;
    const bool is_bias = tensor.name.ends_with(".bias");
    float low = -0.1F;
    float high = 0.1F;
    if (is_norm && !is_bias) {
      low = 0.75F;
      high = 1.25F;
    } else if (!is_bias) {
      // Rows of a weight have elements() / shape[0] inputs; tokens ([1, T, C]) end up with a small spread of their own.
      const std::int64_t inputs = tensor.elements() / tensor.shape.front();
      high = std::sqrt(3.0F / static_cast<float>(inputs));
      low = -high;
    }
    for (std::int64_t i = 0; i < tensor.elements(); ++i)
      tensor.data[i] = uniform(low, high);
  }
  return model;
}

} // namespace intvit
