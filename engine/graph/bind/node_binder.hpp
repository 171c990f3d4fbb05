// Binding of single nodes: what bind() is put together from.
#pragma once

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "engine/container/safetensors.hpp"
#include "engine/graph/program.hpp"

namespace intvit {

// The most columns that a value may have.
inline constexpr int max_columns = 1 << 24;

// The most biases of a window attention, and of all of a graph: 64 and 256 MB. They are many times as large as the
// constants that they are made of.
inline constexpr std::int64_t max_bias_elements = std::int64_t{1} << 24;
inline constexpr std::size_t max_all_bias_elements = std::size_t{1} << 26;

// The most patches that a window attention cuts into windows, and all of a graph together: 8 and 64 MB of their rows,
// of which the file holds nothing. No session takes values of more rows.
inline constexpr int max_window_patches = 1 << 21;
inline constexpr std::size_t max_all_window_patches = std::size_t{1} << 24;

// Binds one node: reads its constants and checks them. The first error is kept; after it every read returns nothing.
class NodeBinder {
public:
  NodeBinder(const Node &node, const SafetensorsFile &file, std::vector<std::string> &used)
      : node_(node), file_(file), used_(used) {}

  void fail(std::string reason);
  bool ok() const { return status_.ok(); }
  const Status &status() const { return status_; }

  // The constant, or null with an error where it is missing or of another rank.
  const TensorView *constant(const char *suffix, std::size_t rank);

  template <typename T> std::vector<T> read(const char *suffix, DType dtype, const std::vector<std::int64_t> &shape) {
    const TensorView *view = constant(suffix, dtype, shape);
    if (view == nullptr)
      return {};
    std::vector<T> values(view->bytes.size() / sizeof(T));
    if (!values.empty())
      std::memcpy(values.data(), view->bytes.data(), view->bytes.size());
    return values;
  }

  // Constant `weight`, or those of STLQ weights; its rows say how many outputs there are.
  Weights weights(int in_features);

  // Constants `multiplier` and `offset`.
  RequantizationConstants requantization(int channels, int shift);

  // Proves a linear map's accumulators and its requantization; `extra` as in check_requantization().
  void prove(const Weights &weights, const RequantizationConstants &constants, const std::vector<std::uint64_t> &extra);
  void prove(const RequantizationConstants &constants, const std::vector<std::uint64_t> &bounds,
             const std::vector<std::uint64_t> &extra);
  // `bound` for every channel.
  void prove(const RequantizationConstants &constants, std::uint64_t bound);

private:
  void read_stlq(Weights &weights);
  const TensorView *constant(const char *suffix, DType dtype, const std::vector<std::int64_t> &shape);

  const Node &node_;
  const SafetensorsFile &file_;
  std::vector<std::string> &used_;
  Status status_;
};

// A node's constants and the shape of its output. Nothing in it is meaningful once binder.ok() is false.
struct Binding {
  BoundOperation operation;
  ValueInfo output;
};

Binding bind_operation(NodeBinder &binder, const Patches &op, const ValueInfo &image);
Binding bind_operation(NodeBinder &binder, const PatchEmbed &op, const ValueInfo &patches);
Binding bind_operation(NodeBinder &binder, const LayerNorm &op, const ValueInfo &stream);
Binding bind_operation(NodeBinder &binder, const Linear &op, const ValueInfo &input);
Binding bind_operation(NodeBinder &binder, const Attention &op, const ValueInfo &qkv);
Binding bind_operation(NodeBinder &binder, const WindowAttention &op, const ValueInfo &qkv);
Binding bind_operation(NodeBinder &binder, const TakeRows &op, const ValueInfo &input);
Binding bind_operation(NodeBinder &binder, const MeanRows &op, const ValueInfo &input);
Binding bind_operation(NodeBinder &binder, const Flatten &op, const ValueInfo &input);
Binding bind_operation(NodeBinder &binder, const MergePatches &op, const ValueInfo &input);

// What a residual linear map needs to know of the stream, which is its second input: value `index`.
void bind_residual(NodeBinder &binder, BoundLinear &bound, const Linear &op, int index, const ValueInfo &stream,
                   const ValueInfo &output);

} // namespace intvit
