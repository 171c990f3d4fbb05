#include "engine/ops/layer_norm.hpp"

#include <algorithm>

#include "engine/ops/bounds.hpp"
#include "engine/ops/linear_share.hpp"

namespace intvit {

std::vector<std::string_view> LayerNorm::features() const {
  std::vector<std::string_view> needed;
  if (output_type != ElementType::int8)
    needed.push_back(all_features[output_type == ElementType::int16 ? 0 : 1]);
  if (!centred)
    needed.push_back(all_features[2]);
  return needed;
}

void LayerNorm::describe(Fields &fields) {
  fields.integer("shift", shift, kernels::min_shift, kernels::max_shift);
  fields.integer("epsilon", epsilon, 0, kernels::max_layer_norm_epsilon);
  if (fields.has("output_type", output_type != ElementType::int8))
    fields.choice("output_type", output_type, element_type_names);
  if (fields.has("centred", !centred))
    fields.boolean("centred", centred);
}

Binding LayerNorm::bind(NodeBinder &binder, std::span<const ValueInfo> inputs) const {
  const ValueInfo &stream = inputs[0];
  const int channels = stream.columns;
  if (stream.type != ElementType::int8 && stream.type != ElementType::int16)
    binder.fail("its input must be int8 or int16");
  if (channels > kernels::max_layer_norm_channels)
    binder.fail("more than " + std::to_string(kernels::max_layer_norm_channels) + " channels");
  auto bound = std::make_unique<BoundLayerNorm>();
  if (stream.type == ElementType::int8) {
    bound->alpha = binder.read<std::uint8_t>("alpha", DType::u8, {channels});
    bound->zero_point = binder.read<std::int8_t>("zero_point", DType::i8, {channels});
    if (std::any_of(bound->alpha.begin(), bound->alpha.end(), [](int a) { return a > kernels::max_ptf_alpha; }))
      binder.fail("an alpha is above " + std::to_string(kernels::max_ptf_alpha));
  }
  bound->centred = centred;
  bound->epsilon = epsilon;
  bound->requantization = binder.requantization(channels, shift);
  binder.prove(bound->requantization, normalized_bound(channels));
  return {std::move(bound), {output_type, stream.rows, channels}};
}

void BoundLayerNorm::run(const Step &step) const {
  const ValueInfo &input = step.input_info();
  const kernels::LayerNormArgs args{.input = stream_codes(step.inputs[0].data, input),
                                    .channels = input.columns,
                                    .alpha = alpha.data(),
                                    .zero_point = zero_point.data(),
                                    .centred = centred,
                                    .epsilon = epsilon,
                                    .requantization = requantization.view(),
                                    .output = step.output.data,
                                    .output_type = step.output_info().type,
                                    .output_stride = input.columns};
  step.kernels.layer_norm(args, step.team.share(step.batch() * input.rows));
}

} // namespace intvit
