// A graph bound to its constants, checked so that running it cannot fail.
//
// bind() infers every value's shape and type, reads every constant into typed memory and proves that no accumulator,
// product or sum of any kernel can overflow, whatever the image. What it returns needs no further check.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "engine/container/safetensors.hpp"
#include "engine/graph/graph.hpp"
#include "engine/graph/stlq_weights.hpp"
#include "engine/status.hpp"

namespace intvit {

using kernels::ElementType;

// What a node's output looks like for one image; a batch has as many of them, one after the other.
struct ValueInfo {
  ElementType type = ElementType::int8;
  int rows = 0;
  int columns = 0;

  std::size_t row_bytes() const { return static_cast<std::size_t>(columns) * element_size(type); }
  std::size_t bytes() const { return static_cast<std::size_t>(rows) * row_bytes(); }
};

struct Weights {
  int out_features = 0;
  int in_features = 0;
  std::vector<std::int8_t> values; // int8: [out_features, in_features], row-major
  kernels::WeightFormat format = kernels::WeightFormat::int8;
  StlqWeights stlq = {}; // stlq: of the same sides
};

struct RequantizationConstants {
  std::vector<std::int32_t> multiplier;
  std::vector<std::int64_t> offset;
  int shift = 0;

  kernels::Requantization view() const { return {multiplier.data(), offset.data(), shift}; }
};

struct BoundPatches {
  int patch = 0;
};

struct BoundPatchEmbed {
  Weights weights;
  RequantizationConstants requantization;
  std::vector<std::int16_t> position; // [patches, C]
  std::vector<std::int32_t> position_multiplier;
  int position_shift = 0;
  kernels::ElementType stream_type = kernels::ElementType::int8;
  std::vector<std::byte> prefix; // [prefix_rows, C] codes of the stream's type
};

struct BoundLayerNorm {
  kernels::ElementType stream_type = kernels::ElementType::int8;
  std::vector<std::uint8_t> alpha;     // int8 stream only
  std::vector<std::int8_t> zero_point; // int8 stream only
  std::int64_t epsilon = 0;
  RequantizationConstants requantization;
  kernels::ElementType output_type = kernels::ElementType::int8;
};

struct BoundLinear {
  Weights weights;
  kernels::Epilogue epilogue = kernels::Epilogue::requantize;
  RequantizationConstants requantization;
  int gelu_fraction_bits = 0;
  std::vector<std::int16_t> gelu_multiplier;
  std::vector<std::int8_t> gelu_zero_point;
  int residual = 0; // value index
  int residual_shift = 0;
  std::vector<std::int32_t> residual_multiplier;
};

// The windows of a grid; none: all rows attend to all.
struct BoundWindows {
  int count = 0;
  std::vector<std::int32_t> rows; // [count, tokens of a window]
  // For kernels::ScoreBias. Masks: [masks, tokens, stride], of which `mask` says which a window has, or -1.
  std::ptrdiff_t stride = 0;
  std::vector<std::int32_t> bias; // [heads, tokens, stride]
  std::vector<std::int32_t> masks;
  std::vector<std::int32_t> masking; // [heads]
  std::vector<std::int8_t> mask;     // [count]
};

struct BoundAttention {
  int tokens = 0; // that attend to one another
  int heads = 0;
  int head_dim = 0;
  int queries = 0;
  kernels::Softmax softmax = kernels::Softmax::lis4;
  bool renormalize = true;
  std::vector<std::int32_t> score_multiplier;
  int score_shift = 0;
  kernels::ExpTable exp{};
  bool exp_halves = false;
  std::array<std::uint8_t, 256> int8_weights{};
  int int16_weight_shift = 0;
  RequantizationConstants requantization;
  BoundWindows windows;
};

struct BoundTakeRows {};

struct BoundMeanRows {
  int first = 0;
  int rows = 0;
  RequantizationConstants requantization;
  kernels::ElementType output_type = kernels::ElementType::int8;
};

struct BoundFlatten {};

struct BoundMergePatches {
  int grid_width = 0; // of the input
};

using BoundOperation = std::variant<BoundPatches, BoundPatchEmbed, BoundLayerNorm, BoundLinear, BoundAttention,
                                    BoundTakeRows, BoundMeanRows, BoundFlatten, BoundMergePatches>;

struct BoundNode {
  std::string name;
  int input = 0; // value index
  BoundOperation operation;
};

// Value 0 is the image; value i + 1 is the output of node i.
struct Program {
  int logit_fraction_bits = 0;
  int features = 0; // value index; 0: none besides the result
  int feature_fraction_bits = 0;
  std::vector<BoundNode> nodes;
  std::vector<ValueInfo> values;
};

// `used` receives the names of the tensors that the graph took. Errors: bad_format, naming the node and the constant or
// field: an unknown input, a missing constant, a wrong type or shape, shapes that do not fit, a number that could
// overflow.
Result<Program> bind(const Graph &graph, const SafetensorsFile &file, std::vector<std::string> &used);

} // namespace intvit
