#include "engine/ops/merge_tokens.hpp"

#include <algorithm>

#include "engine/ops/linear_share.hpp"
#include "kernels/token_merging.hpp"

namespace intvit {

Binding MergeTokens::bind(NodeBinder &binder, std::span<const ValueInfo> inputs) const {
  const ValueInfo &input = inputs[0];
  const ValueInfo &groups = inputs[1];
  if (input.type != ElementType::int8 && input.type != ElementType::int16)
    binder.fail("its input must be int8 or int16");
  if (groups.groups == 0 || groups.columns != input.rows)
    binder.fail("its groups must be what match_tokens gives of as many tokens as its input has rows");
  auto bound = std::make_unique<BoundMergeTokens>();
  bound->tokens = input.rows;
  return {std::move(bound), {input.type, groups.groups, input.columns}};
}

// Every row that remains of every image is a task.
void BoundMergeTokens::run(const Step &step) const {
  const int rows = step.output_info().rows;
  const kernels::Range share = step.team.share(step.batch() * rows);
  for (int image = share.begin / rows; image * rows < share.end; ++image) {
    const auto index = static_cast<std::size_t>(image);
    const kernels::MergeTokensArgs args{.groups = reinterpret_cast<const std::int32_t *>(step.inputs[1].image(index)),
                                        .tokens = tokens,
                                        .input = stream_codes(step.inputs[0].image(index), step.input_info()),
                                        .channels = step.input_info().columns,
                                        .output = step.output.image(index),
                                        .scratch = step.scratch};
    step.kernels.token_merging.merge(
        args, {std::max(share.begin - image * rows, 0), std::min(share.end - image * rows, rows)});
  }
}

std::size_t BoundMergeTokens::scratch_bytes(const kernels::KernelTable &kernels) const {
  return kernels.token_merging.merge_scratch_bytes(tokens);
}

} // namespace intvit
