// How an attention kernel's arguments follow from a bound node.
#pragma once

#include "engine/graph/program.hpp"
#include "kernels/attention.hpp"

namespace intvit {

// What the node's constants give. Left to the caller: qkv, output, scratch and, where there are windows, which one.
inline kernels::AttentionArgs attention_args(const BoundAttention &node) {
  kernels::AttentionArgs args{.tokens = node.tokens,
                              .heads = node.heads,
                              .head_dim = node.head_dim,
                              .softmax = node.softmax,
                              .renormalize = node.renormalize,
                              .score_multiplier = node.score_multiplier.data(),
                              .score_shift = node.score_shift,
                              .exp = &node.exp,
                              .exp_halves = node.exp_halves,
                              .int8_weights = &node.int8_weights,
                              .int16_weight_shift = node.int16_weight_shift,
                              .requantization = node.requantization.view()};
  if (node.windows.count > 0)
    args.bias = {
        .bias = node.windows.bias.data(), .stride = node.windows.stride, .masking = node.windows.masking.data()};
  return args;
}

// Attention of that window's tokens to one another.
inline void choose_window(const BoundAttention &node, int window, kernels::AttentionArgs &args) {
  const BoundWindows &windows = node.windows;
  args.rows = windows.rows.data() + std::ptrdiff_t{window} * node.tokens;
  const int mask = windows.mask.empty() ? -1 : windows.mask[static_cast<std::size_t>(window)];
  args.bias.mask = mask < 0 ? nullptr : windows.masks.data() + std::ptrdiff_t{mask} * node.tokens * windows.stride;
}

} // namespace intvit
