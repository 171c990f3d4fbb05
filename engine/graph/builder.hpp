// Puts a graph and its constants together. Everything that makes models writes them through this: the quantizer, the
// generator of random models, and the tests' models. It knows how constants are named and stored, and no more; whether
// they fit the node is what bind() finds out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "engine/container/safetensors.hpp"
#include "engine/graph/graph.hpp"
#include "engine/ops/four_bits_weights.hpp"

namespace intvit {

class GraphBuilder {
public:
  GraphBuilder(int image_height, int image_width) {
    graph_.image_height = image_height;
    graph_.image_width = image_width;
  }

  // Appends a node that reads the outputs of these nodes, or image_value.
  void add(std::string name, std::vector<std::string> inputs, const Operation &operation);
  void add(std::string name, std::string input, const Operation &operation) {
    add(std::move(name), std::vector<std::string>{std::move(input)}, operation);
  }

  // The constant "node.suffix", row-major; without a shape it has one dimension. The node may be added later.
  template <typename T>
  void constant(const std::string &node, const char *suffix, const std::vector<T> &values,
                const std::vector<std::int64_t> &shape) {
    add_constant(node, suffix, dtype_of<T>(), shape, std::as_bytes(std::span(values)));
  }
  template <typename T> void constant(const std::string &node, const char *suffix, const std::vector<T> &values) {
    constant(node, suffix, values, {static_cast<std::int64_t>(values.size())});
  }

  // The matrix of a node: int8 [out_features, values.size() / out_features], or words of four bits in place of it.
  void weights(const std::string &node, int out_features, const std::vector<std::int8_t> &values);
  void weights(const std::string &node, const FourBitWeights &words);

  // What an accumulator becomes, one each for every output.
  void requantization(const std::string &node, const std::vector<std::int32_t> &multiplier,
                      const std::vector<std::int64_t> &offset);

  // The codes that a LayerNorm reads, where they have 8 bits.
  void stream_factors(const std::string &node, const std::vector<std::uint8_t> &alpha,
                      const std::vector<std::int8_t> &zero_point);

  // The rows that a patch embedding puts before the patches, in the codes of its output: [rows, channels].
  template <typename T>
  void prefix_tokens(const std::string &node, int rows, int channels, const std::vector<T> &values) {
    if (rows == 1) // has a name of its own, because files had no others at first
      constant(node, "class_token", values);
    else
      constant(node, "prefix_tokens", values, {rows, channels});
  }

  // A tensor under its whole name, as another file has it.
  void tensor(const std::string &name, const TensorView &view);

  Graph &graph() { return graph_; }
  const Graph &graph() const { return graph_; }
  const SafetensorsWriter &constants() const { return constants_; }

  // bad_argument: the first constant that could not be added; its name was taken, its size is not its shape's, or no
  // model file can hold such words of four bits (four_bits_storage.hpp).
  const Status &status() const { return status_; }

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

  void add_constant(const std::string &node, const char *suffix, DType dtype, std::vector<std::int64_t> shape,
                    std::span<const std::byte> bytes);

  Graph graph_;
  SafetensorsWriter constants_;
  Status status_;
};

} // namespace intvit
