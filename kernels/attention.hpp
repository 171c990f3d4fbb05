// Multi-head attention on 8-bit codes, fused from scores to output codes (docs/numerics.md, "Attention").
//
// For every head and every query token i, over all key tokens j:
//   score[j] = sum_d q[i][d] * k[j][d]          plus biases, less what masks it (ScoreBias, token_bias)
//   P[j]     = softmax weights of the scores: integers, proportional to exp (softmax.hpp)
//   O[d]     = sum_j P[j] * v[j][d]
//   output   = requantize(O[d] / sum_j P[j], rounded to 16 fraction bits)
// Scores and weights never leave the thread's scratch memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/inline.hpp"
#include "kernels/range.hpp"
#include "kernels/requantize.hpp"
#include "kernels/softmax.hpp"

namespace intvit::kernels {

// A score is at most 2^7 * 2^7 * head_dim, so 2^10 channels a head keep it within +-2^24. With 2^14 tokens every sum of
// weights and every product of them with values stays inside 32 bits (docs/numerics.md, "Bounds").
inline constexpr int max_tokens = 1 << 14;
inline constexpr int max_head_dim = 1 << 10;

// What is added to scores before the softmax, in units of a score: a relative position bias, and the mask that
// keeps the regions of a shifted window apart. A matrix has one row for each query and one column for each key. Its
// rows are `stride` integers long, a whole number of bias_lanes, so that vectors need no remainder; the integers behind
// the last token are 0.
struct ScoreBias {
  // [heads, tokens, stride], of magnitudes up to max_score_bias. Null: there is neither bias nor mask.
  const std::int32_t *bias = nullptr;
  std::ptrdiff_t stride = 0;
  // Which of the heads * tokens rows `bias` begins with: a caller may have made those alone that a call reads.
  std::ptrdiff_t first_row = 0;
  // [tokens, stride]: 1 where a key is hidden from a query, else 0. Null: nothing is hidden.
  const std::int32_t *mask = nullptr;
  // [heads], 0..max_masking: subtracted from masked scores, so much that these keys' weights are 0.
  const std::int32_t *masking = nullptr;
};

inline constexpr int bias_lanes = 16; // lanes of the widest vector
// |score + bias| <= 2^24 + 2^28, and subtracting 2^29 from that stays above -2^30, which stands for "no token".
inline constexpr std::int32_t max_score_bias = 1 << 28;
inline constexpr std::int32_t max_masking = 1 << 29;

struct AttentionArgs {
  // [rows, 3 * channels], row-major and dense: q, k, v one after the other, each [heads, head_dim].
  const std::int8_t *qkv = nullptr;
  // [tokens]: token t is row rows[t] of qkv and of the output, as the tokens of a window are scattered over the image.
  // Null: token t is row t.
  const std::int32_t *rows = nullptr;
  int tokens = 0;
  int heads = 0;
  int head_dim = 0;

  Softmax softmax = Softmax::lis4;
  bool renormalize = true;                        // lis4, lis8: divide by the sum of the weights, else by 2^unit
  const std::int32_t *score_multiplier = nullptr; // [heads]
  int score_shift = 0;
  ScoreBias bias;
  // [tokens]: added to all scores of a token, 0 to max_score_bias; a merged token weighs more for it. Null: nothing is.
  // Not together with `bias`.
  const std::int32_t *token_bias = nullptr;
  const ExpTable *exp = nullptr;
  // Whether halves_every_16(*exp): kernels then look up 16 entries in registers. False is always right, and slower.
  bool exp_halves = false;
  const std::array<std::uint8_t, 256> *int8_weights = nullptr; // for Softmax::int8
  int int16_weight_shift = 0;                                  // for Softmax::int16

  Requantization requantization; // [heads * head_dim]
  // [rows, heads * head_dim], row-major and dense. Query i writes its row only: row i, or row rows[i] where `rows` is
  // given.
  std::int8_t *output = nullptr;

  std::byte *scratch = nullptr; // AttentionKernel::scratch_bytes(tokens, head_dim) bytes, each thread its own
};

// The row of qkv and of the output that a token is.
INTVIT_INLINE constexpr std::ptrdiff_t attention_row(const AttentionArgs &args, int token) {
  return args.rows == nullptr ? token : args.rows[token];
}

// What is added to a query's scores; args.bias.bias must not be null.
INTVIT_INLINE constexpr const std::int32_t *bias_row(const AttentionArgs &args, int head, int query) {
  return &args.bias.bias[(std::ptrdiff_t{head} * args.tokens + query - args.bias.first_row) * args.bias.stride];
}

} // namespace intvit::kernels
