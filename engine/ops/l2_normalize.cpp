#include "engine/ops/l2_normalize.hpp"

#include <cstdint>

#include "engine/ops/bounds.hpp"

namespace intvit {

void L2Normalize::describe(Fields &fields) {
  fields.integer("shift", shift, kernels::min_shift, kernels::max_shift);
  fields.choice("output_type", output_type, element_type_names);
}

Binding L2Normalize::bind(NodeBinder &binder, std::span<const ValueInfo> inputs) const {
  const ValueInfo &input = inputs[0];
  if (input.type != ElementType::int32)
    binder.fail("its input must be int32");
  if (input.columns > kernels::max_l2_channels)
    binder.fail("more than " + std::to_string(kernels::max_l2_channels) + " channels");
  auto bound = std::make_unique<BoundL2Normalize>();
  bound->requantization = binder.requantization(input.columns, shift);
  binder.prove(bound->requantization, unit_bound);
  return {std::move(bound), {output_type, input.rows, input.columns}};
}

void BoundL2Normalize::run(const Step &step) const {
  const ValueInfo &input = step.input_info();
  const kernels::L2NormalizeArgs args{.input = reinterpret_cast<const std::int32_t *>(step.inputs[0].data),
                                      .channels = input.columns,
                                      .requantization = requantization.view(),
                                      .output = step.output.data,
                                      .output_type = step.output_info().type};
  step.kernels.l2_normalize(args, step.team.share(step.batch() * input.rows));
}

} // namespace intvit
