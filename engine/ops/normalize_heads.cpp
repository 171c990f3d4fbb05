#include "engine/ops/normalize_heads.hpp"

#include <algorithm>
#include <cstdint>

#include "engine/ops/bounds.hpp"
#include "engine/ops/linear_share.hpp"
#include "kernels/attention.hpp"

namespace intvit {

void NormalizeHeads::describe(Fields &fields) {
  fields.integer("heads", heads, 1, 1024);
  fields.integer("shift", shift, kernels::min_shift, kernels::max_shift);
}

Binding NormalizeHeads::bind(NodeBinder &binder, std::span<const ValueInfo> inputs) const {
  const ValueInfo &qkv = inputs[0];
  if (qkv.type != ElementType::int16 || qkv.columns % (3 * heads) != 0)
    binder.fail("its input must be int16 with 3 * heads * head_dim columns");
  const int head_dim = qkv.columns / (3 * heads);
  if (head_dim > kernels::max_head_dim)
    binder.fail("more than " + std::to_string(kernels::max_head_dim) + " channels a head");
  auto bound = std::make_unique<BoundNormalizeHeads>();
  bound->heads = heads;
  bound->requantization = binder.requantization(qkv.columns, shift);
  std::vector<std::uint64_t> bounds(bound->requantization.multiplier.size(), std::uint64_t{1} << 15);
  if (binder.ok()) // queries and keys
    std::fill_n(bounds.begin(), qkv.columns / 3 * 2, normalized_bound(head_dim));
  binder.prove(bound->requantization, bounds, {});
  return {std::move(bound), {ElementType::int8, qkv.rows, qkv.columns}};
}

void BoundNormalizeHeads::run(const Step &step) const {
  constexpr int grain = 16; // rows that stay in the first cache while all heads pass over them
  const int columns = step.input_info().columns;
  const int channels = columns / 3;
  const int head_dim = channels / heads;
  const auto *input = reinterpret_cast<const std::int16_t *>(step.inputs[0].data);
  auto *output = reinterpret_cast<std::int8_t *>(step.output.data);
  // From these columns on.
  const auto constants = [&](int first) {
    const kernels::Requantization all = requantization.view();
    return kernels::Requantization{all.multiplier + first, all.offset + first, all.shift};
  };
  const kernels::Range share = step.team.share(step.batch() * step.input_info().rows);
  for (int row = share.begin; row < share.end; row += grain) {
    const kernels::Range rows{row, std::min(row + grain, share.end)};
    for (int first = 0; first < 2 * channels; first += head_dim)
      step.kernels.layer_norm({.input = {input + first, ElementType::int16, columns},
                               .channels = head_dim,
                               .centred = false,
                               .epsilon = 0,
                               .requantization = constants(first),
                               .output = output + first,
                               .output_type = ElementType::int8,
                               .output_stride = columns},
                              rows);
    step.kernels.rescale({.input = {input + std::ptrdiff_t{2} * channels, ElementType::int16, columns},
                          .channels = channels,
                          .requantization = constants(2 * channels),
                          .residual = {},
                          .output = output + std::ptrdiff_t{2} * channels,
                          .output_type = ElementType::int8,
                          .output_stride = columns},
                         rows);
  }
}

} // namespace intvit
