#include "models/import/tensors.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <stdexcept>

#include "models/import/half.hpp"

namespace intvit::importer {

static_assert(std::endian::native == std::endian::little, "tensors are copied as they are in the file");

std::string shape_text(const std::vector<std::int64_t> &shape) {
  std::string result = "[";
  for (std::size_t i = 0; i < shape.size(); ++i)
    result += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return result + "]";
}

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
  const float *bad = std::find_if_not(to + 0, to + count, [](float value) { return std::isfinite(value); });
  if (bad != end)
    throw std::runtime_error("tensor " + name + " holds " + (std::isnan(*bad) ? "NaN" : "infinity") + " at element " +
                             std::to_string(bad - to));
}

void scale_outputs(const RowVector &scale, LinearWeights &layer) {
  layer.weight.array().colwise() *= scale.transpose().array();
  layer.bias.array() *= scale.array();
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

LayerNormWeights TensorReader::layer_norm(const std::string &name, std::int64_t channels) {
  LayerNormWeights result;
  result.weight = vector(name + ".weight", channels);
  result.bias = vector(name + ".bias", channels);
  return result;
}

void TensorReader::require_all_read(const std::string &hint) const {
  for (const auto &[name, tensor] : files_.tensors())
    if (read_.count(name) == 0)
      throw std::runtime_error("tensor " + name + " of shape " + shape_text(tensor.shape) + " is unexpected: " + hint);
}

} // namespace intvit::importer
