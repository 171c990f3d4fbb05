// Multi-head attention on 8-bit codes, fused from scores to output codes (docs/numerics.md, "Attention").
//
// For every head: scores q.k, softmax weights P (integers, see softmax.hpp), O = sum_j P_j v_j, O / sum_j P_j with 16
// fraction bits, requantize.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/range.hpp"
#include "kernels/requantize.hpp"
#include "kernels/softmax.hpp"

namespace intvit::kernels {

// 2^14 tokens keep every sum inside 32 bits; 2^10 keep one head's score inside 26.
inline constexpr int max_tokens = 1 << 14;
inline constexpr int max_head_dim = 1 << 10;

struct AttentionArgs {
  // [tokens, 3 * channels], row-major and dense: q, k, v one after the other, each [heads, head_dim].
  const std::int8_t *qkv = nullptr;
  int tokens = 0;
  int heads = 0;
  int head_dim = 0;

  Softmax softmax = Softmax::lis4;
  bool renormalize = true;                        // lis4, lis8: divide by the sum of the weights, not by 2^unit
  const std::int32_t *score_multiplier = nullptr; // [heads]
  int score_shift = 0;
  const ExpTable *exp = nullptr;
  bool exp_halves = false; // halves_every_16(*exp); may be false at the cost of time
  const std::array<std::uint8_t, 256> *int8_weights = nullptr; // for Softmax::int8
  int int16_weight_shift = 0;                                  // for Softmax::int16

  Requantization requantization; // [heads * head_dim]
  std::int8_t *output = nullptr; // [queries, heads * head_dim], dense

  std::byte *scratch = nullptr; // AttentionKernel::scratch_bytes(tokens, head_dim) bytes, each thread its own
};

} // namespace intvit::kernels
