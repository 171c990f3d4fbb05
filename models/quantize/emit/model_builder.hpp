// Collects the nodes and constants of a quantized model and turns them into a model file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "engine/container/safetensors.hpp"
#include "engine/format/model_file.hpp"
#include "engine/image/image.hpp"
#include "engine/ops/stlq_weights.hpp"
#include "models/quantize/codes/fixed_point.hpp"

namespace intvit {

class ModelBuilder {
public:
  // `description` has everything but the nodes.
  explicit ModelBuilder(ModelDescription description) : description_(std::move(description)) {}

  // Appends a node; its constants follow under its name.
  void node(std::string name, std::string input, Operation operation) {
    node(std::move(name), std::vector<std::string>{std::move(input)}, std::move(operation));
  }
  void node(std::string name, std::vector<std::string> inputs, Operation operation);
  const std::string &last_node() const { return description_.graph.nodes.back().name; }

  // A constant of the last node. Throws std::logic_error where the name is taken or the size is wrong.
  template <typename T>
  void constant(const char *suffix, const std::vector<T> &values, const std::vector<std::int64_t> &shape) {
    add(last_node() + "." + suffix, dtype_of<T>(), shape, std::as_bytes(std::span(values)));
  }
  template <typename T> void constant(const char *suffix, const std::vector<T> &values) {
    constant(suffix, values, {static_cast<std::int64_t>(values.size())});
  }
  // STLQ weights of the last node, in place of the constant "weight".
  void weights(const StlqWeights &weights);
  // multiplier and offset of the last node.
  void requantization(const FixedPoint &fixed);

  // The last node gives the image's features, int32 [1, count], besides the logits of the head that follows.
  void features(int count, int fraction_bits);
  // The result has so many fraction bits.
  void logits(int fraction_bits) { description_.graph.logit_fraction_bits = fraction_bits; }

  // The finished file, with the `outputs` logits, and the features if there are any, that the reference kernels give
  // for `golden_image` inside. Throws std::runtime_error where the engine rejects the model.
  std::vector<std::byte> finish(const Image &golden_image, int outputs) const;

private:
  template <typename T> static constexpr DType dtype_of() {
    if constexpr (std::is_same_v<T, std::int8_t>)
      return DType::i8;
    else if constexpr (std::is_same_v<T, std::uint8_t>)
      return DType::u8;
    else if constexpr (std::is_same_v<T, std::int16_t>)
      return DType::i16;
    else if constexpr (std::is_same_v<T, std::int32_t>)
      return DType::i32;
    else {
      static_assert(std::is_same_v<T, std::int64_t>);
      return DType::i64;
    }
  }

  void add(std::string name, DType dtype, std::vector<std::int64_t> shape, std::span<const std::byte> bytes);

  ModelDescription description_;
  SafetensorsWriter tensors_;
  int feature_count_ = 0;
};

} // namespace intvit
