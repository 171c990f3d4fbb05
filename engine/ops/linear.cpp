#include "engine/ops/linear.hpp"

#include <algorithm>

#include "engine/ops/bounds.hpp"
#include "engine/ops/linear_share.hpp"
#include "kernels/gelu.hpp"

namespace intvit {

using kernels::Epilogue;

namespace {

// In the enumeration's order: the name in files, and what the epilogue writes. The residual epilogue writes the type
// that the node says.
struct EpilogueRecord {
  std::string_view name;
  ElementType output;
  std::string_view feature; // what a reader must know, if it is more than the first version of the format had
};
constexpr std::array epilogues{EpilogueRecord{"requantize", ElementType::int8, {}},
                               EpilogueRecord{"requantize16", ElementType::int16, "requantize16"},
                               EpilogueRecord{"gelu", ElementType::int8, "gelu16"},
                               EpilogueRecord{"residual", ElementType::int8, {}},
                               EpilogueRecord{"logits", ElementType::int32, {}}};
static_assert(epilogues.size() == kernels::epilogue_count);

constexpr auto epilogue_names = [] {
  std::array<std::string_view, epilogues.size()> names;
  for (std::size_t i = 0; i < names.size(); ++i)
    names[i] = epilogues[i].name;
  return names;
}();

constexpr std::array<std::string_view, kernels::gelu_function_count> gelu_functions{"gelu", "quick_gelu", "silu"};

} // namespace

std::vector<std::string_view> Linear::features() const {
  if (epilogue == Epilogue::residual)
    return {output_type == ElementType::int8 ? "residual.ptf8" : "residual.int16"};
  const std::string_view feature = epilogues[static_cast<std::size_t>(epilogue)].feature;
  if (feature.empty())
    return {};
  if (epilogue == Epilogue::gelu && gelu_function != kernels::GeluFunction::gelu)
    return {feature, gelu_functions[static_cast<std::size_t>(gelu_function)]};
  return {feature};
}

std::vector<const char *> Linear::inputs() const {
  if (epilogue == Epilogue::residual)
    return {"input", "residual"};
  return {"input"};
}

void Linear::describe(Fields &fields) {
  fields.choice("epilogue", epilogue, epilogue_names);
  fields.integer("shift", shift, kernels::min_shift, kernels::max_shift);
  if (epilogue == Epilogue::gelu) {
    fields.integer("gelu_fraction_bits", gelu_fraction_bits, kernels::min_gelu_fraction_bits,
                   kernels::max_gelu_fraction_bits);
    if (fields.has("gelu_function", gelu_function != kernels::GeluFunction::gelu))
      fields.choice("gelu_function", gelu_function, gelu_functions);
  }
  if (epilogue == Epilogue::residual) {
    fields.integer("residual_shift", residual_shift, 0, kernels::max_residual_shift(ElementType::int8));
    fields.choice("output_type", output_type, std::span(element_type_names).first(2));
  }
}

Binding Linear::bind(NodeBinder &binder, std::span<const ValueInfo> inputs) const {
  const ValueInfo &input = inputs[0];
  if (input.type != ElementType::int8)
    binder.fail("its input must be int8");
  auto bound = std::make_unique<BoundLinear>();
  const LinearMap &map = bound->linear_map.emplace(binder.linear_map(input.columns, shift));
  const int channels = map.weights.out_features;
  ValueInfo output{epilogues[static_cast<std::size_t>(epilogue)].output, input.rows, channels};
  bound->epilogue = epilogue;
  std::vector<std::uint64_t> extra; // what a channel's sum in 64 bits holds besides product and offset
  if (epilogue == Epilogue::gelu) {
    bound->gelu_fraction_bits = gelu_fraction_bits;
    bound->gelu_function = gelu_function;
    bound->gelu_multiplier = binder.read<std::int16_t>("gelu_multiplier", DType::i16, {channels});
    bound->gelu_zero_point = binder.read<std::int8_t>("gelu_zero_point", DType::i8, {channels});
    if (std::any_of(bound->gelu_multiplier.begin(), bound->gelu_multiplier.end(), [](int m) { return m < 1; }))
      binder.fail("a gelu_multiplier is below 1");
  } else if (epilogue == Epilogue::residual) {
    const ValueInfo &stream = inputs[1];
    bound->residual_shift = residual_shift;
    bound->residual_multiplier = binder.read<std::int32_t>("residual_multiplier", DType::i32, {channels});
    output.type = output_type;
    if (stream.type != ElementType::int8 && stream.type != ElementType::int16)
      binder.fail("the residual must be int8 or int16");
    if (stream.rows != output.rows || stream.columns != output.columns)
      binder.fail("the residual's shape is not the output's");
    if (residual_shift > kernels::max_residual_shift(stream.type))
      binder.fail("residual_shift is above " + std::to_string(kernels::max_residual_shift(stream.type)));
    if (binder.ok())
      extra = residual_bounds(stream.type, residual_shift, bound->residual_multiplier);
  }
  binder.prove(map, extra);
  return {std::move(bound), output};
}

void BoundLinear::run(const Step &step) const {
  const ValueInfo &input = step.input_info();
  const ValueInfo &output = step.output_info();
  kernels::LinearArgs args{.input = reinterpret_cast<const std::int8_t *>(step.inputs[0].data),
                           .input_stride = input.columns,
                           .packed = step.packed,
                           .weight_format = linear_map->weights.format,
                           .in_features = input.columns,
                           .out_features = output.columns,
                           .epilogue = epilogue,
                           .shift = linear_map->requantization.shift,
                           .gelu = {.fraction_bits = gelu_fraction_bits,
                                    .multiplier = gelu_multiplier.data(),
                                    .zero_point = gelu_zero_point.data(),
                                    .function = gelu_function},
                           .output = step.output.data,
                           .output_type = output.type,
                           .output_stride = output.columns,
                           .scratch = step.scratch};
  if (epilogue == Epilogue::residual)
    args.residual = {.stream = stream_codes(step.inputs[1].data, *step.inputs[1].info),
                     .multiplier = residual_multiplier.data(),
                     .shift = residual_shift};
  run_linear(step, args, step.batch() * input.rows);
}

std::size_t BoundLinear::scratch_bytes(const kernels::KernelTable &kernels) const {
  const Weights &weights = linear_map->weights;
  return kernels.linear.formats[weights.format].scratch_bytes(weights.in_features);
}

std::int64_t BoundLinear::multiply_accumulates(std::int64_t output_rows) const {
  return output_rows * linear_map->weights.size();
}

} // namespace intvit
