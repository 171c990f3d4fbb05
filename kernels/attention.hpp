// Multi-head attention on 8-bit codes, fused from scores to output codes (docs/numerics.md, "Attention").
//
// For every head: scores q.k, softmax weights P (integers, see softmax.hpp), O = sum_j P_j v_j, O / sum_j P_j with 16
// fraction bits, requantize.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/inline.hpp"
#include "kernels/range.hpp"
#include "kernels/requantize.hpp"
#include "kernels/softmax.hpp"

namespace intvit::kernels {

// 2^14 tokens keep every sum inside 32 bits; 2^10 keep one head's score inside 26.
inline constexpr int max_tokens = 1 << 14;
inline constexpr int max_head_dim = 1 << 10;

// Added to the scores of a head's tokens before the softmax. Rows of the matrices, one a query, are `stride` integers
// long, a whole number of bias_lanes; behind the tokens there are zeros.
struct ScoreBias {
  const std::int32_t *bias = nullptr; // [heads, tokens, stride], at most max_score_bias; null: no bias and no mask
  std::ptrdiff_t stride = 0;
  const std::int32_t *mask = nullptr; // [tokens, stride], 1 where a token has no weight for a query, else 0; null: none
  const std::int32_t *masking = nullptr; // [heads], what is taken off a masked score
};

inline constexpr int bias_lanes = 16;
inline constexpr std::int32_t max_score_bias = 1 << 28;
inline constexpr std::int32_t max_masking = 1 << 29;

struct AttentionArgs {
  // [rows, 3 * channels], row-major and dense: q, k, v one after the other, each [heads, head_dim].
  const std::int8_t *qkv = nullptr;
  // [tokens]: which rows of qkv and of the output are the tokens'. Null: the first ones, in order.
  const std::int32_t *rows = nullptr;
  int tokens = 0;
  int heads = 0;
  int head_dim = 0;

  Softmax softmax = Softmax::lis4;
  bool renormalize = true;                        // lis4, lis8: divide by the sum of the weights, not by 2^unit
  const std::int32_t *score_multiplier = nullptr; // [heads]
  int score_shift = 0;
  ScoreBias bias;
  const ExpTable *exp = nullptr;
  bool exp_halves = false; // halves_every_16(*exp); may be false at the cost of time
  const std::array<std::uint8_t, 256> *int8_weights = nullptr; // for Softmax::int8
  int int16_weight_shift = 0;                                  // for Softmax::int16

  Requantization requantization; // [heads * head_dim]
  std::int8_t *output = nullptr; // [queries, heads * head_dim], dense; with `rows`, row rows[i] of it is query i's

  std::byte *scratch = nullptr; // AttentionKernel::scratch_bytes(tokens, head_dim) bytes, each thread its own
};

INTVIT_INLINE constexpr std::ptrdiff_t attention_row(const AttentionArgs &args, int token) {
  return args.rows == nullptr ? token : args.rows[token];
}

} // namespace intvit::kernels
