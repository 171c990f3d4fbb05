#include "engine/ops/multiply.hpp"

#include "kernels/multiply.hpp"

namespace intvit {

void Multiply::describe(Fields &fields) {
  fields.integer("shift", shift, kernels::min_shift, kernels::max_shift);
  fields.choice("output_type", output_type, std::span(element_type_names).first(2));
}

Binding Multiply::bind(NodeBinder &binder, std::span<const ValueInfo> inputs) const {
  const ValueInfo &input = inputs[0];
  const ValueInfo &factor = inputs[1];
  if (input.type != ElementType::int8 || factor.type != ElementType::int8)
    binder.fail("its input and its factor must be int8");
  else if (input.rows != factor.rows || input.columns != factor.columns)
    binder.fail("its factor's shape is not its input's");
  auto bound = std::make_unique<BoundMultiply>();
  bound->zero_point = binder.read<std::int8_t>("zero_point", DType::i8, {input.columns});
  bound->factor_zero_point = binder.read<std::int8_t>("factor_zero_point", DType::i8, {input.columns});
  bound->requantization = binder.requantization(input.columns, shift);
  binder.prove(bound->requantization, kernels::max_product);
  return {std::move(bound), {output_type, input.rows, input.columns}};
}

void BoundMultiply::run(const Step &step) const {
  const ValueInfo &output = step.output_info();
  const auto codes = [&](std::size_t input) { return reinterpret_cast<const std::int8_t *>(step.inputs[input].data); };
  const kernels::MultiplyArgs args{.a = {codes(0), zero_point.data()},
                                   .b = {codes(1), factor_zero_point.data()},
                                   .channels = output.columns,
                                   .requantization = requantization.view(),
                                   .output = step.output.data,
                                   .output_type = output.type};
  step.kernels.multiply(args, step.team.share(step.batch() * output.rows));
}

} // namespace intvit
