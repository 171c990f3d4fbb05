#include "engine/ops/rescale.hpp"

#include "engine/ops/bounds.hpp"
#include "engine/ops/linear_share.hpp"

namespace intvit {

namespace {

bool are_codes(const ValueInfo &value) {
  return value.type == ElementType::int8 || value.type == ElementType::int16;
}

} // namespace

std::vector<const char *> Rescale::inputs() const {
  return adds ? std::vector{"input", "residual"} : std::vector{"input"};
}

void Rescale::describe(Fields &fields) {
  fields.integer("shift", shift, kernels::min_shift, kernels::max_shift);
  fields.choice("output_type", output_type, std::span(element_type_names).first(2));
  adds = fields.has("residual", adds);
  if (adds)
    fields.integer("residual_shift", residual_shift, 0, kernels::max_residual_shift(ElementType::int8));
}

Binding Rescale::bind(NodeBinder &binder, std::span<const ValueInfo> inputs) const {
  const ValueInfo &input = inputs[0];
  if (!are_codes(input))
    binder.fail("its input must be int8 or int16");
  auto bound = std::make_unique<BoundRescale>();
  bound->requantization = binder.requantization(input.columns, shift);
  std::vector<std::uint64_t> extra;
  if (adds) {
    const ValueInfo &stream = inputs[1];
    bound->residual_shift = residual_shift;
    bound->residual_multiplier = binder.read<std::int32_t>("residual_multiplier", DType::i32, {input.columns});
    if (!are_codes(stream))
      binder.fail("the residual must be int8 or int16");
    if (stream.rows != input.rows || stream.columns != input.columns)
      binder.fail("the residual's shape is not the output's");
    if (residual_shift > kernels::max_residual_shift(stream.type))
      binder.fail("residual_shift is above " + std::to_string(kernels::max_residual_shift(stream.type)));
    if (binder.ok())
      extra = residual_bounds(stream.type, residual_shift, bound->residual_multiplier);
  }
  const std::uint64_t largest = std::uint64_t{1} << (input.type == ElementType::int8 ? 7 : 15);
  binder.prove(bound->requantization, std::vector<std::uint64_t>(bound->requantization.multiplier.size(), largest),
               extra);
  return {std::move(bound), {output_type, input.rows, input.columns}};
}

void BoundRescale::run(const Step &step) const {
  const ValueInfo &input = step.input_info();
  kernels::RescaleArgs args{.input = stream_codes(step.inputs[0].data, input),
                            .channels = input.columns,
                            .requantization = requantization.view(),
                            .residual = {},
                            .output = step.output.data,
                            .output_type = step.output_info().type,
                            .output_stride = input.columns};
  if (!residual_multiplier.empty())
    args.residual = {.stream = stream_codes(step.inputs[1].data, *step.inputs[1].info),
                     .multiplier = residual_multiplier.data(),
                     .shift = residual_shift};
  step.kernels.rescale(args, step.team.share(step.batch() * input.rows));
}

} // namespace intvit
