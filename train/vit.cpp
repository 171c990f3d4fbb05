#include "train/vit.hpp"

#include <cmath>
#include <torch/torch.h>
#include <utility>

namespace intvit::train {

namespace {

constexpr double kInitialDeviation = 0.02;

// Normal, redrawn outside two deviations by inverting the cumulative distribution.
torch::Tensor truncated_normal(torch::IntArrayRef shape) {
  const double edge = std::erf(2 / std::sqrt(2.0));
  return torch::empty(shape).uniform_(-edge, edge).erfinv_().mul_(std::sqrt(2.0) * kInitialDeviation);
}

torch::Tensor cast(const torch::Tensor &x, Precision precision) {
  return x.to(precision == Precision::bf16 ? torch::kBFloat16 : torch::kFloat32);
}

} // namespace

VitConfig default_vit() {
  VitConfig config;
  config.image_height = 32;
  config.image_width = 32;
  config.patch = 4;
  config.channels = 192;
  config.depth = 6;
  config.heads = 3;
  config.mlp_hidden = 384;
  config.classes = 10;
  return config;
}

torch::Tensor Vit::Linear::operator()(const torch::Tensor &x, Precision precision) const {
  return torch::linear(cast(x, precision), cast(weight, precision), cast(bias, precision));
}

torch::Tensor Vit::Norm::operator()(const torch::Tensor &x) const {
  return torch::layer_norm(x, {weight.size(0)}, weight, bias, VitConfig().layer_norm_eps);
}

torch::Tensor Vit::add(const std::string &name, torch::Tensor value) {
  value.requires_grad_(true);
  parameters_.push_back({name, value});
  return value;
}

Vit::Linear Vit::add_linear(const std::string &name, std::int64_t outputs, std::int64_t inputs) {
  Linear linear;
  linear.weight = add(name + ".weight", truncated_normal({outputs, inputs}));
  linear.bias = add(name + ".bias", torch::zeros({outputs}));
  return linear;
}

Vit::Norm Vit::add_norm(const std::string &name) {
  Norm norm;
  norm.weight = add(name + ".weight", torch::ones({config_.channels}));
  norm.bias = add(name + ".bias", torch::zeros({config_.channels}));
  return norm;
}

Vit::Vit(const VitConfig &config, std::uint64_t seed) : config_(config) {
  torch::manual_seed(seed);
  const std::int64_t width = config.channels;
  cls_token_ = add("cls_token", torch::randn({1, 1, width}).mul_(1e-6));
  pos_embed_ = add("pos_embed", truncated_normal({1, config.patches() + 1, width}));
  const double bound = 1 / std::sqrt(static_cast<double>(3 * config.patch * config.patch));
  patch_embed_.weight =
      add("patch_embed.proj.weight", torch::empty({width, 3, config.patch, config.patch}).uniform_(-bound, bound));
  patch_embed_.bias = add("patch_embed.proj.bias", torch::zeros({width}));
  for (std::int64_t i = 0; i < config.depth; ++i) {
    const std::string name = "blocks." + std::to_string(i) + ".";
    Block block;
    block.norm1 = add_norm(name + "norm1");
    block.qkv = add_linear(name + "attn.qkv", 3 * width, width);
    block.proj = add_linear(name + "attn.proj", width, width);
    block.norm2 = add_norm(name + "norm2");
    block.fc1 = add_linear(name + "mlp.fc1", config.mlp_hidden, width);
    block.fc2 = add_linear(name + "mlp.fc2", width, config.mlp_hidden);
    blocks_.push_back(std::move(block));
  }
  norm_ = add_norm("norm");
  head_ = add_linear("head", config.classes, width);
}

// qkv: [B, N, 3 * width] in (q, k, v), head, channel order. Two batched products and a softmax: measured twice as fast
// in training as LibTorch's fused attention at these lengths.
torch::Tensor Vit::attention(const torch::Tensor &qkv) const {
  const std::int64_t batch = qkv.size(0);
  const std::int64_t tokens = qkv.size(1);
  const std::int64_t head_width = config_.channels / config_.heads;
  const auto parts = qkv.view({batch, tokens, 3, config_.heads, head_width}).permute({2, 0, 3, 1, 4}).unbind(0);
  const torch::Tensor query = parts[0] * (1 / std::sqrt(static_cast<double>(head_width)));
  const torch::Tensor probability = torch::softmax(torch::matmul(query, parts[1].transpose(-2, -1)), -1);
  return torch::matmul(probability, parts[2]).transpose(1, 2).reshape({batch, tokens, config_.channels});
}

torch::Tensor Vit::forward(const torch::Tensor &images, Precision precision) const {
  const std::int64_t batch = images.size(0);
  const std::int64_t patch = config_.patch;
  const std::int64_t side = config_.image_height / patch;
  // [B, 3, side, patch, side, patch] -> one row a patch, channel first within it as in the convolution's weight.
  const torch::Tensor patches = images.view({batch, 3, side, patch, side, patch})
                                    .permute({0, 2, 4, 1, 3, 5})
                                    .reshape({batch, side * side, 3 * patch * patch});
  const Linear embed{patch_embed_.weight.view({config_.channels, 3 * patch * patch}), patch_embed_.bias};
  torch::Tensor x =
      torch::cat({cls_token_.expand({batch, 1, config_.channels}), embed(patches, precision).to(torch::kFloat32)}, 1) +
      pos_embed_;
  for (const Block &block : blocks_) {
    x = x + block.proj(attention(block.qkv(block.norm1(x), precision)), precision);
    x = x + block.fc2(torch::gelu(block.fc1(block.norm2(x), precision)), precision);
  }
  return head_(norm_(x.select(1, 0)), Precision::f32);
}

} // namespace intvit::train
