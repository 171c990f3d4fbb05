#include "engine/graph/program.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>

#include "engine/graph/bounds.hpp"
#include "kernels/attention.hpp"
#include "kernels/layer_norm.hpp"

namespace intvit {

namespace {

using kernels::CodeType;
using kernels::Epilogue;

std::string dimensions(const std::vector<std::int64_t> &shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i)
    text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + "]";
}

ValueType value_type(CodeType type) {
  return type == CodeType::int8 ? ValueType::int8 : ValueType::int16;
}

// Binds one node: reads its constants and checks them. The first error is kept; after it every read returns nothing.
class NodeBinder {
public:
  NodeBinder(const Node &node, const SafetensorsFile &file, std::vector<std::string> &used)
      : node_(node), file_(file), used_(used) {}

  void fail(std::string reason) {
    if (status_.ok())
      status_ = Status(StatusCode::bad_format, "graph node " + node_.name + ": " + std::move(reason));
  }
  bool ok() const { return status_.ok(); }
  const Status &status() const { return status_; }

  // The constant's shape, or null with an error.
  const TensorView *constant(const char *suffix, std::size_t rank) {
    const std::string name = node_.name + "." + suffix;
    const TensorView *view = file_.find(name);
    if (view == nullptr)
      fail("tensor " + name + " is missing");
    else if (view->shape.size() != rank)
      fail("tensor " + name + " has shape " + dimensions(view->shape) + ", expected rank " + std::to_string(rank));
    if (!ok())
      return nullptr;
    used_.push_back(name);
    return view;
  }

  template <typename T> std::vector<T> read(const char *suffix, DType dtype, const std::vector<std::int64_t> &shape) {
    const TensorView *view = constant(suffix, shape.size());
    if (view == nullptr)
      return {};
    if (view->dtype != dtype || view->shape != shape) {
      fail("tensor " + node_.name + "." + suffix + " is " + std::string(safetensors_name(view->dtype)) + " " +
           dimensions(view->shape) + ", expected " + std::string(safetensors_name(dtype)) + " " + dimensions(shape));
      return {};
    }
    std::vector<T> values(view->bytes.size() / sizeof(T));
    std::memcpy(values.data(), view->bytes.data(), view->bytes.size());
    return values;
  }

  Weights weights(int in_features) {
    const TensorView *view = constant("weight", 2);
    if (view == nullptr)
      return {};
    const std::int64_t out_features = view->shape[0];
    if (out_features < 1 || out_features > (1 << 24)) {
      fail("the weight has " + std::to_string(out_features) + " rows");
      return {};
    }
    Weights weights{static_cast<int>(out_features), in_features, {}};
    weights.values = read<std::int8_t>("weight", DType::i8, {out_features, in_features});
    return weights;
  }

  RequantizationConstants requantization(int channels, int shift) {
    return {read<std::int32_t>("multiplier", DType::i32, {channels}),
            read<std::int64_t>("offset", DType::i64, {channels}), shift};
  }

  // Proves a linear map's accumulators and its requantization; `extra` as in check_requantization().
  void prove(const Weights &weights, const RequantizationConstants &constants,
             const std::vector<std::uint64_t> &extra) {
    if (!ok())
      return;
    std::vector<std::uint64_t> bounds;
    if (const int channel = accumulator_bounds(weights, bounds); channel >= 0)
      return fail("the accumulator of channel " + std::to_string(channel) + " could overflow 32 bits");
    prove(constants, bounds, extra);
  }

  void prove(const RequantizationConstants &constants, const std::vector<std::uint64_t> &bounds,
             const std::vector<std::uint64_t> &extra = {}) {
    if (!ok())
      return;
    if (const int channel = check_requantization(constants, bounds, extra); channel >= 0)
      fail("the requantization of channel " + std::to_string(channel) + " could overflow 64 bits");
  }

private:
  const Node &node_;
  const SafetensorsFile &file_;
  std::vector<std::string> &used_;
  Status status_;
};

// bind_operation(): constants of one operation, and the shape of its output. Nothing returned is meaningful once
// binder.ok() is false.
struct Binding {
  BoundOperation operation;
  ValueInfo output;
};

Binding bind_operation(NodeBinder &binder, const Patches &op, const ValueInfo &image) {
  const int width = image.columns / 3;
  if (image.type != ValueType::uint8)
    binder.fail("cuts up something that is not the image");
  else if (image.rows % op.patch != 0 || width % op.patch != 0)
    binder.fail("an image of " + std::to_string(width) + "x" + std::to_string(image.rows) +
                " pixels is not a whole number of patches of " + std::to_string(op.patch));
  return {BoundPatches{op.patch},
          {ValueType::int8, (image.rows / op.patch) * (width / op.patch), op.patch * op.patch * 3}};
}

Binding bind_operation(NodeBinder &binder, const PatchEmbed &op, const ValueInfo &patches) {
  BoundPatchEmbed bound;
  if (patches.type != ValueType::int8)
    binder.fail("its input must be int8 patches");
  if (patches.rows >= kernels::max_tokens)
    binder.fail("more than " + std::to_string(kernels::max_tokens - 1) + " patches");
  bound.weights = binder.weights(patches.columns);
  const int channels = bound.weights.out_features;
  bound.requantization = binder.requantization(channels, op.shift);
  bound.position = binder.read<std::int16_t>("position", DType::i16, {patches.rows, channels});
  bound.position_multiplier = binder.read<std::int32_t>("position_multiplier", DType::i32, {channels});
  bound.position_shift = op.position_shift;
  if (const TensorView *token = binder.constant("class_token", 1)) {
    if ((token->dtype != DType::i8 && token->dtype != DType::i16) || token->shape[0] != channels)
      binder.fail("class_token must be I8 or I16 [" + std::to_string(channels) + "]");
    bound.stream_type = token->dtype == DType::i8 ? CodeType::int8 : CodeType::int16;
    bound.class_token.assign(token->bytes.begin(), token->bytes.end());
  }
  if (binder.ok())
    binder.prove(bound.weights, bound.requantization,
                 residual_bounds(CodeType::int16, op.position_shift, bound.position_multiplier));
  const ValueInfo output{value_type(bound.stream_type), patches.rows + 1, channels};
  return {std::move(bound), output};
}

Binding bind_operation(NodeBinder &binder, const LayerNorm &op, const ValueInfo &stream) {
  BoundLayerNorm bound;
  const int channels = stream.columns;
  if (stream.type != ValueType::int8 && stream.type != ValueType::int16)
    binder.fail("its input must be int8 or int16");
  if (channels > kernels::max_layer_norm_channels)
    binder.fail("more than " + std::to_string(kernels::max_layer_norm_channels) + " channels");
  bound.stream_type = stream.type == ValueType::int16 ? CodeType::int16 : CodeType::int8;
  if (bound.stream_type == CodeType::int8) {
    bound.alpha = binder.read<std::uint8_t>("alpha", DType::u8, {channels});
    bound.zero_point = binder.read<std::int8_t>("zero_point", DType::i8, {channels});
    if (std::any_of(bound.alpha.begin(), bound.alpha.end(), [](int a) { return a > kernels::max_ptf_alpha; }))
      binder.fail("an alpha is above " + std::to_string(kernels::max_ptf_alpha));
  }
  bound.epsilon = op.epsilon;
  bound.requantization = binder.requantization(channels, op.shift);
  binder.prove(bound.requantization,
               std::vector<std::uint64_t>(static_cast<std::size_t>(channels), normalized_bound(channels)));
  return {std::move(bound), {ValueType::int8, stream.rows, channels}};
}

Binding bind_operation(NodeBinder &binder, const Linear &op, const ValueInfo &input) {
  BoundLinear bound;
  if (input.type != ValueType::int8)
    binder.fail("its input must be int8");
  bound.weights = binder.weights(input.columns);
  const int channels = bound.weights.out_features;
  bound.epilogue = op.epilogue;
  bound.requantization = binder.requantization(channels, op.shift);
  std::vector<std::uint64_t> extra;
  ValueInfo output{ValueType::int8, input.rows, channels};
  if (op.epilogue == Epilogue::gelu) {
    bound.gelu_fraction_bits = op.gelu_fraction_bits;
    bound.gelu_multiplier = binder.read<std::int16_t>("gelu_multiplier", DType::i16, {channels});
    bound.gelu_zero_point = binder.read<std::int8_t>("gelu_zero_point", DType::i8, {channels});
    if (std::any_of(bound.gelu_multiplier.begin(), bound.gelu_multiplier.end(), [](int m) { return m < 1; }))
      binder.fail("a gelu_multiplier is below 1");
  } else if (op.epilogue == Epilogue::residual) {
    bound.residual_shift = op.residual_shift;
    bound.residual_multiplier = binder.read<std::int32_t>("residual_multiplier", DType::i32, {channels});
    output.type = value_type(op.output_type);
  } else if (op.epilogue == Epilogue::logits) {
    output.type = ValueType::int32;
  }
  return {std::move(bound), output};
}

// What a residual linear map needs to know of the stream, which is its second input.
void bind_residual(NodeBinder &binder, BoundLinear &bound, const Linear &op, int index, const ValueInfo &stream,
                   const ValueInfo &output) {
  if (stream.type != ValueType::int8 && stream.type != ValueType::int16)
    return binder.fail("the residual must be int8 or int16");
  if (stream.rows != output.rows || stream.columns != output.columns)
    return binder.fail("the residual's shape is not the output's");
  const CodeType type = stream.type == ValueType::int8 ? CodeType::int8 : CodeType::int16;
  if (op.residual_shift > kernels::max_residual_shift(type))
    return binder.fail("residual_shift is above " + std::to_string(kernels::max_residual_shift(type)));
  bound.residual = index;
  binder.prove(bound.weights, bound.requantization,
               residual_bounds(type, op.residual_shift, bound.residual_multiplier));
}

Binding bind_operation(NodeBinder &binder, const Attention &op, const ValueInfo &qkv) {
  BoundAttention bound;
  if (qkv.type != ValueType::int8 || qkv.columns % (3 * op.heads) != 0)
    binder.fail("its input must be int8 with 3 * heads * head_dim columns");
  if (op.queries > qkv.rows || qkv.rows > kernels::max_tokens)
    binder.fail("too many tokens or queries");
  const int channels = qkv.columns / 3;
  bound.heads = op.heads;
  bound.head_dim = channels / op.heads;
  if (bound.head_dim < 1 || bound.head_dim > kernels::max_head_dim)
    binder.fail("head_dim must be from 1 to " + std::to_string(kernels::max_head_dim));
  bound.queries = op.queries == 0 ? qkv.rows : op.queries;
  bound.softmax = op.softmax;
  bound.renormalize = op.renormalize;
  bound.score_shift = op.score_shift;
  bound.score_multiplier = binder.read<std::int32_t>("score_multiplier", DType::i32, {op.heads});
  for (const std::int32_t multiplier : bound.score_multiplier)
    if (!score_fits(bound.head_dim, multiplier, op.score_shift))
      binder.fail("a score_multiplier could overflow 32 bits");
  if (exp_table_is_valid(op.exp, qkv.rows)) {
    bound.exp = kernels::build_exp_table(op.exp);
    bound.exp_halves = kernels::halves_every_16(bound.exp);
    bound.int8_weights = kernels::build_int8_weights(bound.exp);
    bound.int16_weight_shift = kernels::int16_weight_shift(bound.exp, qkv.rows);
  } else {
    binder.fail("the exp polynomial rises or its sum over a row could overflow");
  }
  bound.requantization = binder.requantization(channels, op.shift);
  binder.prove(bound.requantization, std::vector<std::uint64_t>(static_cast<std::size_t>(channels), attention_bound));
  const ValueInfo output{ValueType::int8, bound.queries, channels};
  return {std::move(bound), output};
}

Binding bind_operation(NodeBinder &binder, const TakeRows &op, const ValueInfo &input) {
  if (input.type == ValueType::uint8)
    binder.fail("its input must not be the image");
  if (op.rows > input.rows)
    binder.fail("takes " + std::to_string(op.rows) + " rows of " + std::to_string(input.rows));
  ValueInfo output = input;
  output.rows = op.rows;
  return {BoundTakeRows{}, output};
}

} // namespace

std::size_t element_size(ValueType type) {
  switch (type) {
  case ValueType::uint8:
  case ValueType::int8:
    return 1;
  case ValueType::int16:
    return 2;
  case ValueType::int32:
    return 4;
  }
  return 1;
}

Result<Program> bind(const Graph &graph, const SafetensorsFile &file, std::vector<std::string> &used) {
  Program program;
  program.logit_fraction_bits = graph.logit_fraction_bits;
  program.values.push_back({ValueType::uint8, graph.image_height, graph.image_width * 3});
  std::map<std::string, int, std::less<>> index{{image_value, 0}};

  for (const Node &node : graph.nodes) {
    NodeBinder binder(node, file, used);
    const auto input = index.find(node.input);
    if (input == index.end())
      binder.fail("reads \"" + node.input + "\", which no earlier node writes");
    if (!binder.ok())
      return binder.status();

    Binding binding = std::visit(
        [&](const auto &op) {
          return bind_operation(binder, op, program.values[static_cast<std::size_t>(input->second)]);
        },
        node.operation);
    if (const auto *linear = std::get_if<Linear>(&node.operation)) {
      auto &bound = std::get<BoundLinear>(binding.operation);
      if (linear->epilogue == Epilogue::residual) {
        const auto stream = index.find(linear->residual);
        if (stream == index.end())
          binder.fail("adds to \"" + linear->residual + "\", which no earlier node writes");
        else if (binder.ok())
          bind_residual(binder, bound, *linear, stream->second,
                        program.values[static_cast<std::size_t>(stream->second)], binding.output);
      } else {
        binder.prove(bound.weights, bound.requantization, {});
      }
    }
    if (!binder.ok())
      return binder.status();

    const int value = static_cast<int>(program.values.size());
    if (!index.emplace(node.name, value).second)
      return Status(StatusCode::bad_format, "graph node " + node.name + ": the name stands twice");
    program.nodes.push_back({node.name, input->second, std::move(binding.operation)});
    program.values.push_back(binding.output);
  }

  const ValueInfo &result = program.values.back();
  if (result.type != ValueType::int32 || result.rows != 1)
    return Status(StatusCode::bad_format, "graph: the last node must give one row of int32 logits");
  return program;
}

} // namespace intvit
