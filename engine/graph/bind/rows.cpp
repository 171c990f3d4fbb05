// The operations that work on rows: those of the image and of the residual stream.
#include <algorithm>

#include "engine/graph/bind/node_binder.hpp"
#include "engine/graph/bounds.hpp"
#include "kernels/layer_norm.hpp"

namespace intvit {

using kernels::ElementType;

Binding bind_operation(NodeBinder &binder, const Patches &op, const ValueInfo &image) {
  const int width = image.columns / 3;
  if (image.type != ElementType::uint8)
    binder.fail("cuts up something that is not the image");
  else if (image.rows % op.patch != 0 || width % op.patch != 0)
    binder.fail("an image of " + std::to_string(width) + "x" + std::to_string(image.rows) +
                " pixels is not a whole number of patches of " + std::to_string(op.patch));
  return {BoundPatches{op.patch},
          {ElementType::int8, (image.rows / op.patch) * (width / op.patch), op.patch * op.patch * 3}};
}

Binding bind_operation(NodeBinder &binder, const LayerNorm &op, const ValueInfo &stream) {
  BoundLayerNorm bound;
  const int channels = stream.columns;
  if (stream.type != ElementType::int8 && stream.type != ElementType::int16)
    binder.fail("its input must be int8 or int16");
  if (channels > kernels::max_layer_norm_channels)
    binder.fail("more than " + std::to_string(kernels::max_layer_norm_channels) + " channels");
  bound.stream_type = stream.type;
  if (bound.stream_type == ElementType::int8) {
    bound.alpha = binder.read<std::uint8_t>("alpha", DType::u8, {channels});
    bound.zero_point = binder.read<std::int8_t>("zero_point", DType::i8, {channels});
    if (std::any_of(bound.alpha.begin(), bound.alpha.end(), [](int a) { return a > kernels::max_ptf_alpha; }))
      binder.fail("an alpha is above " + std::to_string(kernels::max_ptf_alpha));
  }
  bound.epsilon = op.epsilon;
  bound.requantization = binder.requantization(channels, op.shift);
  binder.prove(bound.requantization, normalized_bound(channels));
  bound.output_type = op.output_type;
  return {std::move(bound), {op.output_type, stream.rows, channels}};
}

Binding bind_operation(NodeBinder &binder, const TakeRows &op, const ValueInfo &input) {
  if (input.type == ElementType::uint8)
    binder.fail("its input must not be the image");
  if (op.rows > input.rows)
    binder.fail("takes " + std::to_string(op.rows) + " rows of " + std::to_string(input.rows));
  ValueInfo output = input;
  output.rows = op.rows;
  return {BoundTakeRows{}, output};
}

Binding bind_operation(NodeBinder &binder, const MeanRows &op, const ValueInfo &input) {
  BoundMeanRows bound;
  if (input.type != ElementType::int8 && input.type != ElementType::int16)
    binder.fail("its input must be int8 or int16");
  if (op.rows > input.rows - op.first)
    binder.fail("takes rows " + std::to_string(op.first) + " to " + std::to_string(op.first + op.rows - 1) + " of " +
                std::to_string(input.rows));
  bound.first = op.first;
  bound.rows = op.rows;
  bound.requantization = binder.requantization(input.columns, op.shift);
  const std::uint64_t largest = std::uint64_t{1} << (input.type == ElementType::int8 ? 7 : 15);
  binder.prove(bound.requantization, largest * static_cast<std::uint64_t>(op.rows));
  bound.output_type = op.output_type;
  return {std::move(bound), {op.output_type, 1, input.columns}};
}

Binding bind_operation(NodeBinder &binder, const Flatten &, const ValueInfo &input) {
  if (input.type == ElementType::uint8)
    binder.fail("its input must not be the image");
  const std::int64_t columns = std::int64_t{input.rows} * input.columns;
  if (columns > max_columns)
    binder.fail("would give " + std::to_string(columns) + " columns, more than " + std::to_string(max_columns));
  return {BoundFlatten{}, {input.type, 1, static_cast<int>(std::min<std::int64_t>(columns, max_columns))}};
}

Binding bind_operation(NodeBinder &binder, const MergePatches &op, const ValueInfo &input) {
  if (input.type == ElementType::uint8)
    binder.fail("its input must not be the image");
  if (op.grid_height % 2 != 0 || op.grid_width % 2 != 0)
    binder.fail("a grid of " + std::to_string(op.grid_height) + " rows and " + std::to_string(op.grid_width) +
                " columns cannot be halved");
  if (std::int64_t{op.grid_height} * op.grid_width != input.rows)
    binder.fail("a grid of " + std::to_string(op.grid_height) + " rows and " + std::to_string(op.grid_width) +
                " columns is not " + std::to_string(input.rows) + " patches");
  if (input.columns > max_columns / 4)
    binder.fail("would give " + std::to_string(std::int64_t{4} * input.columns) + " columns, more than " +
                std::to_string(max_columns));
  return {BoundMergePatches{op.grid_width}, {input.type, input.rows / 4, std::min(input.columns, max_columns / 4) * 4}};
}

} // namespace intvit
