#include "engine/ops/mean_rows.hpp"

#include <algorithm>

#include "engine/ops/attention.hpp"
#include "engine/ops/linear_share.hpp"

namespace intvit {

std::vector<std::string_view> MeanRows::features() const {
  return sized ? std::vector{all_features[0], all_features[1]} : std::vector{all_features[0]};
}

std::vector<const char *> MeanRows::inputs() const {
  return sized ? std::vector{"input", "sizes"} : std::vector{"input"};
}

void MeanRows::describe(Fields &fields) {
  fields.integer("first", first, 0, kernels::max_mean_rows - 1);
  fields.integer("rows", rows, 1, kernels::max_mean_rows);
  fields.integer("shift", shift, kernels::min_shift, kernels::max_shift);
  fields.choice("output_type", output_type, element_type_names);
  sized = fields.has("sizes", sized);
}

Binding MeanRows::bind(NodeBinder &binder, std::span<const ValueInfo> inputs) const {
  const ValueInfo &input = inputs[0];
  if (input.type != ElementType::int8 && input.type != ElementType::int16)
    binder.fail("its input must be int8 or int16");
  if (rows > input.rows - first)
    binder.fail("takes rows " + std::to_string(first) + " to " + std::to_string(first + rows - 1) + " of " +
                std::to_string(input.rows));
  if (sized && !are_sizes_of(inputs[1], input.rows))
    binder.fail("its sizes must be what match_tokens gives, of as many remaining tokens as its input has rows");
  auto bound = std::make_unique<BoundMeanRows>();
  bound->first = first;
  bound->rows = rows;
  bound->sized = sized;
  bound->weight = sized ? inputs[1].first_tokens - first : rows;
  bound->requantization = binder.requantization(input.columns, shift);
  const std::uint64_t largest = std::uint64_t{1} << (input.type == ElementType::int8 ? 7 : 15);
  binder.prove(bound->requantization,
               largest * static_cast<std::uint64_t>(sized ? std::max(inputs[1].first_tokens, 1) : rows));
  return {std::move(bound), {output_type, 1, input.columns}};
}

void BoundMeanRows::run(const Step &step) const {
  constexpr int grain = 64; // columns: of int8, a line of memory
  const ValueInfo &input = step.input_info();
  const int columns = step.output_info().columns;
  const kernels::Range share = step.team.share(step.batch() * columns, grain);
  for (int image = share.begin / columns; image * columns < share.end; ++image) {
    const auto index = static_cast<std::size_t>(image);
    const std::byte *from = step.inputs[0].image(index) + static_cast<std::size_t>(first) * input.row_bytes();
    const kernels::MeanRowsArgs args{.input = stream_codes(from, input),
                                     .rows = rows,
                                     .weights = sized ? sizes_of_image(step.inputs[1], index) + first : nullptr,
                                     .requantization = requantization.view(),
                                     .output = step.output.image(index),
                                     .output_type = step.output_info().type};
    step.kernels.mean_rows(
        args, {std::max(share.begin - image * columns, 0), std::min(share.end - image * columns, columns)});
  }
}

} // namespace intvit
