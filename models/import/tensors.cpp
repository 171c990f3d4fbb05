#include "models/import/tensors.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <stdexcept>

#include "engine/image/frame.hpp"
#include "models/architectures/stlq_words.hpp"
#include "models/import/half.hpp"

namespace intvit::importer {

static_assert(std::endian::native == std::endian::little, "tensors are copied as they are in the file");

namespace {

// Widens the elements of a tensor, which messages call `name`, to float32.
void read_tensor(const TensorView &from, const std::string &name, float *to) {
  const auto count = static_cast<std::size_t>(from.elements());
  const auto widen = [&](float (*convert)(std::uint16_t)) {
    for (std::size_t i = 0; i < count; ++i) {
      std::uint16_t bits = 0;
      std::memcpy(&bits, from.bytes.data() + i * sizeof(bits), sizeof(bits));
      to[i] = convert(bits);
    }
  };
  switch (from.dtype) {
  case DType::f32:
    std::memcpy(to, from.bytes.data(), count * sizeof(float));
    break;
  case DType::f16:
    widen(half_to_float);
    break;
  case DType::bf16:
    widen(bfloat16_to_float);
    break;
  default:
    throw std::runtime_error("tensor " + name + " has type " + std::string(safetensors_name(from.dtype)) +
                             ", must be F32, F16 or BF16");
  }
  const float *end = to + count;
  const float *bad = std::find_if_not(to + 0, to + count, [](float value) { return std::abs(value) <= largest_value; });
  if (bad != end)
    throw std::runtime_error("tensor " + name + " holds " +
                             (std::isnan(*bad)   ? "NaN"
                              : std::isinf(*bad) ? "infinity"
                                                 : "a number beyond 1e15, which is too large to compute with,") +
                             " at element " + std::to_string(bad - to));
}

// Folds a layer scale, one factor an output, into the map before it.
void scale_outputs(const RowVector &scale, LinearWeights &layer) {
  layer.weight.array().colwise() *= scale.transpose().array();
  layer.bias.array() *= scale.array();
}

} // namespace

std::string shape_text(const std::vector<std::int64_t> &shape) {
  std::string result = "[";
  for (std::size_t i = 0; i < shape.size(); ++i)
    result += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return result + "]";
}

void require_grey_pixels(const ModelConfig &config, const std::string &hint) {
  const auto same = [](const std::array<double, 3> &values) {
    return values[0] == values[1] && values[1] == values[2];
  };
  if (!same(config.mean) || !same(config.std))
    throw std::runtime_error("the model takes grey pictures, but mean and deviation are those of three colours: " +
                             hint);
}

RowMatrix TensorReader::matrix(const std::string &name, const Shape &shape, std::int64_t columns) {
  const TensorView *tensor = files_.find(name);
  if (tensor == nullptr)
    throw std::runtime_error("tensor " + name + " is missing, expected shape " + shape_text(shape));
  if (tensor->shape != shape)
    throw std::runtime_error("tensor " + name + " has shape " + shape_text(tensor->shape) + ", expected " +
                             shape_text(shape));
  read_.insert(name);
  RowMatrix result(tensor->elements() / columns, columns);
  read_tensor(*tensor, name, result.data());
  return result;
}

RowVector TensorReader::vector(const std::string &name, std::int64_t size) {
  return matrix(name, {size}, size);
}

LinearWeights TensorReader::linear(const std::string &name, const Shape &shape, bool has_bias) {
  const std::int64_t outputs = shape.front();
  std::int64_t inputs = 1;
  for (std::size_t i = 1; i < shape.size(); ++i)
    inputs *= shape[i];
  RowMatrix weight = matrix(name + ".weight", shape, inputs);
  RowVector bias = has_bias ? vector(name + ".bias", outputs) : RowVector::Zero(static_cast<Eigen::Index>(outputs));
  return {std::move(weight), std::move(bias)};
}

LinearWeights TensorReader::patch_embedding(const std::string &name, std::int64_t channels, std::int64_t colours,
                                            std::int64_t patch, bool has_bias) {
  LinearWeights layer = linear(name, {channels, colours, patch, patch}, has_bias);
  if (colours == 3)
    return layer;
  const RowMatrix grey = std::move(layer.weight);
  const Eigen::Index pixels = grey.cols();
  layer.weight.resize(grey.rows(), 3 * pixels);
  for (std::size_t colour = 0; colour < 3; ++colour)
    layer.weight.middleCols(static_cast<Eigen::Index>(colour) * pixels, pixels) =
        grey * (static_cast<float>(grey_shares[colour]) / 65536);
  return layer;
}

LinearWeights TensorReader::linear_words(const std::string &name, const Shape &shape, bool has_bias) {
  LinearWeights layer = linear(name, shape, has_bias);
  layer.stlq_unit = vector(name + ".stlq_unit", shape.front());
  try {
    stlq::word_values(layer);
  } catch (const std::runtime_error &error) {
    throw std::runtime_error("tensor " + name + ".weight " + error.what());
  }
  return layer;
}

LayerNormWeights TensorReader::layer_norm(const std::string &name, std::int64_t channels, bool has_bias) {
  LayerNormWeights result;
  result.weight = vector(name + ".weight", channels);
  result.bias = has_bias ? vector(name + ".bias", channels) : RowVector::Zero(static_cast<Eigen::Index>(channels));
  return result;
}

int TensorReader::dimension(const std::string &name, std::size_t index) const {
  const TensorView *tensor = files_.find(name);
  if (tensor == nullptr || tensor->shape.size() <= index || tensor->shape[index] < 1 || tensor->shape[index] > 1 << 24)
    return 0;
  return static_cast<int>(tensor->shape[index]);
}

void TensorReader::ignore_all(const std::string &prefix) {
  for (auto entry = files_.tensors().lower_bound(prefix);
       entry != files_.tensors().end() && entry->first.starts_with(prefix); ++entry)
    read_.insert(entry->first);
}

void TensorReader::require_all_read(const std::string &hint) const {
  for (const auto &[name, tensor] : files_.tensors())
    if (read_.count(name) == 0)
      throw std::runtime_error("tensor " + name + " of shape " + shape_text(tensor.shape) + " is unexpected: " + hint);
}

BlockWeights read_block(TensorReader &tensors, const std::string &prefix, const BlockNames &names,
                        std::int64_t channels, std::int64_t mlp_hidden, const MlpForm &mlp) {
  const auto linear = [&](const std::string &name, std::int64_t outputs, std::int64_t inputs, bool has_bias = true) {
    return names.stlq_words ? tensors.linear_words(prefix + name, {outputs, inputs}, has_bias)
                            : tensors.linear(prefix + name, {outputs, inputs}, has_bias);
  };
  BlockWeights block;
  block.norm1 = tensors.layer_norm(prefix + names.norm1, channels, names.norm_bias);
  if (names.qkv.size() == 1) {
    block.qkv = linear(names.qkv.front(), 3 * channels, channels, names.qkv_bias && names.query_bias.empty());
    if (!names.query_bias.empty()) {
      block.qkv.bias.head(channels) = tensors.vector(prefix + names.query_bias, channels);
      block.qkv.bias.tail(channels) = tensors.vector(prefix + names.value_bias, channels);
    }
  } else {
    const LinearWeights query = linear(names.qkv.at(0), channels, channels, names.qkv_bias && names.qkv_biases[0]);
    const LinearWeights key = linear(names.qkv.at(1), channels, channels, names.qkv_bias && names.qkv_biases[1]);
    const LinearWeights value = linear(names.qkv.at(2), channels, channels, names.qkv_bias && names.qkv_biases[2]);
    block.qkv = {RowMatrix(3 * channels, channels), RowVector(3 * channels)};
    block.qkv.weight << query.weight, key.weight, value.weight;
    block.qkv.bias << query.bias, key.bias, value.bias;
  }
  block.proj = linear(names.proj, channels, channels, names.proj_bias);
  if (!names.attention_norm.empty())
    block.attention_norm = tensors.layer_norm(prefix + names.attention_norm, channels, names.norm_bias);
  block.norm2 = tensors.layer_norm(prefix + names.norm2, channels, names.norm_bias);
  if (mlp.gated && names.gate.empty()) {
    const LinearWeights both = linear(names.fc1, 2 * mlp_hidden, channels, names.mlp_bias);
    block.gate = {both.weight.topRows(mlp_hidden), both.bias.head(mlp_hidden)};
    block.fc1 = {both.weight.bottomRows(mlp_hidden), both.bias.tail(mlp_hidden)};
  } else {
    block.fc1 = linear(names.fc1, mlp_hidden, channels, names.mlp_bias);
    if (mlp.gated)
      block.gate = linear(names.gate, mlp_hidden, channels, names.mlp_bias);
  }
  if (mlp.normed)
    block.mlp_norm = tensors.layer_norm(prefix + names.mlp_norm, mlp_hidden, names.norm_bias);
  block.fc2 = linear(names.fc2, channels, mlp_hidden, names.mlp_bias);
  if (!names.scale1.empty())
    scale_outputs(tensors.vector(prefix + names.scale1, channels), block.proj);
  if (!names.scale2.empty())
    scale_outputs(tensors.vector(prefix + names.scale2, channels), block.fc2);
  return block;
}

RowMatrix read_position_bias(TensorReader &tensors, const std::string &name, int size, int heads) {
  const std::int64_t offsets = 2 * size - 1;
  return tensors.matrix(name, {offsets * offsets, heads}, heads).transpose();
}

RowVector mapped(const RowMatrix &x, const LinearWeights &layer) {
  RowVector y(layer.weight.rows());
  for (Eigen::Index n = 0; n < y.size(); ++n) {
    double sum = static_cast<double>(layer.bias[n]);
    for (Eigen::Index k = 0; k < x.cols(); ++k)
      sum += static_cast<double>(x(0, k)) * static_cast<double>(layer.weight(n, k));
    y[n] = static_cast<float>(sum);
  }
  return y;
}

LinearWeights read_two_heads(TensorReader &tensors, const std::string &token, const std::string &distilled, int classes,
                             std::int64_t channels) {
  const LinearWeights of_token = tensors.linear(token, {classes, channels});
  const LinearWeights of_distilled = tensors.linear(distilled, {classes, channels});
  LinearWeights head{RowMatrix(classes, 2 * channels), (of_token.bias + of_distilled.bias) * 0.5F};
  head.weight << of_token.weight * 0.5F, of_distilled.weight * 0.5F;
  return head;
}

} // namespace intvit::importer
