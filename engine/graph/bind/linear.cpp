#include <algorithm>

#include "engine/graph/bind/node_binder.hpp"
#include "engine/graph/bounds.hpp"
#include "kernels/attention.hpp"

namespace intvit {

using kernels::ElementType;
using kernels::Epilogue;

Binding bind_operation(NodeBinder &binder, const PatchEmbed &op, const ValueInfo &patches) {
  BoundPatchEmbed bound;
  if (patches.type != ElementType::int8)
    binder.fail("its input must be int8 patches");
  if (patches.rows > kernels::max_tokens - op.prefix_rows)
    binder.fail("more than " + std::to_string(kernels::max_tokens - op.prefix_rows) + " patches");
  bound.weights = binder.weights(patches.columns);
  const int channels = bound.weights.out_features;
  bound.requantization = binder.requantization(channels, op.shift);
  bound.position = binder.read<std::int16_t>("position", DType::i16, {patches.rows, channels});
  bound.position_multiplier = binder.read<std::int32_t>("position_multiplier", DType::i32, {channels});
  bound.position_shift = op.position_shift;
  const bool class_token = op.prefix_rows == 1;
  const char *name = class_token ? "class_token" : "prefix_tokens";
  if (const TensorView *prefix = binder.constant(name, class_token ? 1 : 2)) {
    std::vector<std::int64_t> shape{channels};
    if (!class_token)
      shape.insert(shape.begin(), op.prefix_rows);
    if ((prefix->dtype != DType::i8 && prefix->dtype != DType::i16) || prefix->shape != shape)
      binder.fail(std::string(name) + " must be I8 or I16 [" +
                  (class_token ? "" : std::to_string(op.prefix_rows) + ", ") + std::to_string(channels) + "]");
    bound.stream_type = prefix->dtype == DType::i8 ? ElementType::int8 : ElementType::int16;
    bound.prefix.assign(prefix->bytes.begin(), prefix->bytes.end());
  }
  if (binder.ok())
    binder.prove(bound.weights, bound.requantization,
                 residual_bounds(ElementType::int16, op.position_shift, bound.position_multiplier));
  const ValueInfo output{bound.stream_type, patches.rows + op.prefix_rows, channels};
  return {std::move(bound), output};
}

Binding bind_operation(NodeBinder &binder, const Linear &op, const ValueInfo &input) {
  BoundLinear bound;
  if (input.type != ElementType::int8)
    binder.fail("its input must be int8");
  bound.weights = binder.weights(input.columns);
  const int channels = bound.weights.out_features;
  bound.epilogue = op.epilogue;
  bound.requantization = binder.requantization(channels, op.shift);
  ValueInfo output{ElementType::int8, input.rows, channels};
  if (op.epilogue == Epilogue::gelu) {
    bound.gelu_fraction_bits = op.gelu_fraction_bits;
    bound.gelu_multiplier = binder.read<std::int16_t>("gelu_multiplier", DType::i16, {channels});
    bound.gelu_zero_point = binder.read<std::int8_t>("gelu_zero_point", DType::i8, {channels});
    if (std::any_of(bound.gelu_multiplier.begin(), bound.gelu_multiplier.end(), [](int m) { return m < 1; }))
      binder.fail("a gelu_multiplier is below 1");
  } else if (op.epilogue == Epilogue::residual) {
    bound.residual_shift = op.residual_shift;
    bound.residual_multiplier = binder.read<std::int32_t>("residual_multiplier", DType::i32, {channels});
    output.type = op.output_type;
  } else if (op.epilogue == Epilogue::requantize16) {
    output.type = ElementType::int16;
  } else if (op.epilogue == Epilogue::logits) {
    output.type = ElementType::int32;
  }
  return {std::move(bound), output};
}

void bind_residual(NodeBinder &binder, BoundLinear &bound, const Linear &op, int index, const ValueInfo &stream,
                   const ValueInfo &output) {
  if (stream.type != ElementType::int8 && stream.type != ElementType::int16)
    return binder.fail("the residual must be int8 or int16");
  if (stream.rows != output.rows || stream.columns != output.columns)
    return binder.fail("the residual's shape is not the output's");
  const ElementType type = stream.type;
  if (op.residual_shift > kernels::max_residual_shift(type))
    return binder.fail("residual_shift is above " + std::to_string(kernels::max_residual_shift(type)));
  bound.residual = index;
  binder.prove(bound.weights, bound.requantization,
               residual_bounds(type, op.residual_shift, bound.residual_multiplier));
}

} // namespace intvit
