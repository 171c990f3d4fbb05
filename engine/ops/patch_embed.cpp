#include "engine/ops/patch_embed.hpp"

#include <algorithm>

#include "engine/ops/bounds.hpp"
#include "engine/ops/linear_share.hpp"

namespace intvit {

std::vector<std::string_view> PatchEmbed::features() const {
  if (prefix_rows == PatchEmbed{}.prefix_rows)
    return {};
  return {"prefix_tokens"};
}

void PatchEmbed::describe(Fields &fields) {
  fields.integer("shift", shift, kernels::min_shift, kernels::max_shift);
  fields.integer("position_shift", position_shift, 0, kernels::max_residual_shift(ElementType::int16));
  if (fields.has("prefix_rows", prefix_rows != PatchEmbed{}.prefix_rows))
    fields.integer("prefix_rows", prefix_rows, 0, kernels::max_tokens - 1);
}

Binding PatchEmbed::bind(NodeBinder &binder, std::span<const ValueInfo> inputs) const {
  const ValueInfo &patches = inputs[0];
  if (patches.type != ElementType::int8)
    binder.fail("its input must be int8 patches");
  if (patches.rows > kernels::max_tokens - prefix_rows)
    binder.fail("more than " + std::to_string(kernels::max_tokens - prefix_rows) + " patches");
  auto bound = std::make_unique<BoundPatchEmbed>();
  const LinearMap &map = bound->linear_map.emplace(binder.linear_map(patches.columns, shift));
  const int channels = map.weights.out_features;
  bound->position = binder.read<std::int16_t>("position", DType::i16, {patches.rows, channels});
  bound->position_multiplier = binder.read<std::int32_t>("position_multiplier", DType::i32, {channels});
  bound->position_shift = position_shift;
  bound->prefix_rows = prefix_rows;
  const bool class_token = prefix_rows == 1;
  const char *tokens = class_token ? "class_token" : "prefix_tokens";
  ValueInfo output{ElementType::int8, patches.rows + prefix_rows, channels};
  if (const TensorView *prefix = binder.constant(tokens, class_token ? 1 : 2)) {
    std::vector<std::int64_t> shape{channels};
    if (!class_token)
      shape.insert(shape.begin(), prefix_rows);
    if ((prefix->dtype != DType::i8 && prefix->dtype != DType::i16) || prefix->shape != shape)
      binder.fail(std::string(tokens) + " must be I8 or I16 [" +
                  (class_token ? "" : std::to_string(prefix_rows) + ", ") + std::to_string(channels) + "]");
    if (prefix->dtype == DType::i16)
      output.type = ElementType::int16;
    bound->prefix.assign(prefix->bytes.begin(), prefix->bytes.end());
  }
  if (binder.ok())
    binder.prove(map, residual_bounds(ElementType::int16, position_shift, bound->position_multiplier));
  return {std::move(bound), output};
}

// The kernels know no positions. They add a linear map to a residual stream, and here that stream is the table of
// positions, one row a patch: the sum lands behind the prefix tokens of the output.
void BoundPatchEmbed::run(const Step &step) const {
  const ValueInfo &input = step.input_info();
  const ValueInfo &output = step.output_info();
  for (int image = 0; image < step.batch(); ++image) {
    const auto index = static_cast<std::size_t>(image);
    std::byte *rows = step.output.image(index);
    const kernels::LinearArgs args{.input = reinterpret_cast<const std::int8_t *>(step.inputs[0].image(index)),
                                   .input_stride = input.columns,
                                   .packed = step.packed,
                                   .weight_format = linear_map->weights.format,
                                   .in_features = input.columns,
                                   .out_features = output.columns,
                                   .epilogue = kernels::Epilogue::residual,
                                   .shift = linear_map->requantization.shift,
                                   .residual = {.stream = {position.data(), ElementType::int16, output.columns},
                                                .multiplier = position_multiplier.data(),
                                                .shift = position_shift},
                                   .output = rows + prefix.size(),
                                   .output_type = output.type,
                                   .output_stride = output.columns,
                                   .scratch = step.scratch};
    run_linear(step, args, input.rows);
    if (image % step.team.size == step.team.index)
      std::copy(prefix.begin(), prefix.end(), rows);
  }
}

std::size_t BoundPatchEmbed::scratch_bytes(const kernels::KernelTable &kernels) const {
  const Weights &weights = linear_map->weights;
  return kernels.linear.formats[weights.format].scratch_bytes(weights.in_features);
}

std::int64_t BoundPatchEmbed::multiply_accumulates(std::int64_t output_rows) const {
  return (output_rows - prefix_rows) * linear_map->weights.size();
}

} // namespace intvit
