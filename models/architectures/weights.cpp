#include "models/architectures/weights.hpp"

#include <cmath>
#include <functional>
#include <numeric>
#include <random>

namespace intvit {

LinearWeights zero_linear(int outputs, int inputs) {
  return {RowMatrix::Zero(outputs, inputs), RowVector::Zero(outputs)};
}

LayerNormWeights zero_layer_norm(int channels) {
  return {RowVector::Zero(channels), RowVector::Zero(channels)};
}

BlockWeights zero_block(int channels, int mlp_hidden, const MlpForm &mlp) {
  return {zero_layer_norm(channels),
          zero_linear(3 * channels, channels),
          zero_linear(channels, channels),
          zero_layer_norm(channels),
          zero_linear(mlp_hidden, channels),
          zero_linear(channels, mlp_hidden),
          mlp.gated ? zero_linear(mlp_hidden, channels) : LinearWeights(),
          mlp.normed ? zero_layer_norm(mlp_hidden) : LayerNormWeights(),
          RowMatrix(),
          RowVector(),
          {}};
}

AttentionPoolWeights zero_attention_pool(int channels, int mlp_hidden) {
  return {RowVector::Zero(channels), zero_linear(2 * channels, channels), zero_linear(channels, channels),
          zero_layer_norm(channels), zero_linear(mlp_hidden, channels),   zero_linear(channels, mlp_hidden)};
}

LinearWeights stacked(const LinearWeights &first, const LinearWeights &second) {
  const Eigen::Index outputs = first.weight.rows() + second.weight.rows();
  LinearWeights both{RowMatrix(outputs, first.weight.cols()), RowVector(outputs)};
  both.weight << first.weight, second.weight;
  both.bias << first.bias, second.bias;
  if (first.stlq_unit.size() > 0 && second.stlq_unit.size() > 0) {
    both.stlq_unit.resize(outputs);
    both.stlq_unit << first.stlq_unit, second.stlq_unit;
  }
  return both;
}

LinearWeights read_by_mlp(const BlockWeights &block) {
  return block.gate.weight.size() == 0 ? block.fc1 : stacked(block.gate, block.fc1);
}

std::int64_t NamedTensor::elements() const {
  return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}

void NamedTensors::add(std::string name, std::vector<std::int64_t> shape, float *data) {
  tensors_.push_back({std::move(name), std::move(shape), data});
}

void NamedTensors::add_linear(const std::string &name, std::vector<std::int64_t> shape, LinearWeights &layer) {
  const std::int64_t outputs = shape.front();
  add(name + ".weight", std::move(shape), layer.weight.data());
  add(name + ".bias", {outputs}, layer.bias.data());
}

void NamedTensors::add_layer_norm(const std::string &name, std::int64_t channels, LayerNormWeights &layer) {
  add(name + ".weight", {channels}, layer.weight.data());
  add(name + ".bias", {channels}, layer.bias.data());
}

void NamedTensors::add_block(const std::string &prefix, std::int64_t channels, std::int64_t mlp_hidden,
                             BlockWeights &block) {
  add_layer_norm(prefix + "norm1", channels, block.norm1);
  add_linear(prefix + "attn.qkv", {3 * channels, channels}, block.qkv);
  add_linear(prefix + "attn.proj", {channels, channels}, block.proj);
  add_layer_norm(prefix + "norm2", channels, block.norm2);
  add_linear(prefix + "mlp.fc1", {mlp_hidden, channels}, block.fc1);
  add_linear(prefix + "mlp.fc2", {channels, mlp_hidden}, block.fc2);
  if (block.gate.weight.size() > 0)
    add_linear(prefix + "mlp.gate", {mlp_hidden, channels}, block.gate);
  if (block.attention_norm.weight.size() > 0)
    add_layer_norm(prefix + "attn.norm", channels, block.attention_norm);
  if (block.cosine_scale.size() > 0)
    add(prefix + "attn.cosine_scale", {block.cosine_scale.size()}, block.cosine_scale.data());
  if (block.mlp_norm.weight.size() > 0)
    add_layer_norm(prefix + "mlp.norm", mlp_hidden, block.mlp_norm);
}

void NamedTensors::add_attention_pool(const std::string &prefix, std::int64_t channels, std::int64_t mlp_hidden,
                                      AttentionPoolWeights &pool) {
  add(prefix + "query", {1, channels}, pool.query.data());
  add_linear(prefix + "key_value", {2 * channels, channels}, pool.key_value);
  add_linear(prefix + "proj", {channels, channels}, pool.proj);
  add_layer_norm(prefix + "norm2", channels, pool.norm2);
  add_linear(prefix + "mlp.fc1", {mlp_hidden, channels}, pool.fc1);
  add_linear(prefix + "mlp.fc2", {channels, mlp_hidden}, pool.fc2);
}

void randomize(const std::vector<NamedTensor> &tensors, std::uint32_t seed) {
  std::mt19937 generator(seed);
  // std::uniform_real_distribution differs between standard libraries; 24 bits and a power of two do not.
  const auto uniform = [&generator](float low, float high) {
    return low + (high - low) * (static_cast<float>(generator() >> 8) * 0x1p-24F);
  };
  for (const NamedTensor &tensor : tensors) {
    const bool is_norm = tensor.name.find("norm") != std::string::npos;
    const bool is_bias = tensor.name.ends_with("bias");
    float low = -0.1F;
    float high = 0.1F;
    if (tensor.name.ends_with("cosine_scale")) {
      low = 5.0F;
      high = 15.0F;
    } else if (is_norm && !is_bias) {
      low = 0.75F;
      high = 1.25F;
    } else if (!is_bias) {
      // Rows of a weight have elements() / shape[0] inputs; tokens and positions end up with a small spread.
      const std::int64_t inputs = tensor.elements() / tensor.shape.front();
      high = std::sqrt(3.0F / static_cast<float>(inputs));
      low = -high;
    }
    for (std::int64_t i = 0; i < tensor.elements(); ++i)
      tensor.data[i] = uniform(low, high);
  }
}

} // namespace intvit
