// One query at a time: its scores, the weights that they turn into, and the weighted mean of the values.
#include "kernels/reference/reference.hpp"

#include <algorithm>
#include <array>

#include "kernels/reciprocal.hpp"

namespace intvit::kernels::reference {

namespace {

// Adds bias and mask to the scores of query `i`.
void add_bias(const AttentionArgs &args, int head, int i, std::int32_t *row) {
  const ScoreBias &b = args.bias;
  const std::int32_t *bias = bias_row(args, head, i);
  for (int j = 0; j < args.tokens; ++j) {
    row[j] += bias[j];
    if (b.mask != nullptr && b.mask[i * b.stride + j] != 0)
      row[j] -= b.masking[head];
  }
}

// Turns a row of distances into attention weights, in place, and returns the number that they are to be divided by.
std::uint32_t softmax_weights(const AttentionArgs &args, std::int32_t *row) {
  const std::int32_t *end = row + args.tokens;
  std::uint32_t weight_sum = 0;
  // The distance 255 also stands for all larger ones and must have no weight: the table of int8 weights ends with 0,
  // int16 and lis8 leave it out below, and for lis4 its code is above 15 wherever it matters (the loader checks).
  if (args.softmax == Softmax::int8) {
    for (std::int32_t *distance = row; distance != end; ++distance) {
      *distance = (*args.int8_weights)[static_cast<std::size_t>(*distance)];
      weight_sum += static_cast<std::uint32_t>(*distance);
    }
    return weight_sum;
  }

  if (args.softmax == Softmax::int16) {
    for (std::int32_t *distance = row; distance != end; ++distance) {
      const auto d = static_cast<std::size_t>(*distance);
      *distance = d < 255 ? static_cast<std::int32_t>(int16_weight((*args.exp)[d], args.int16_weight_shift)) : 0;
      weight_sum += static_cast<std::uint32_t>(*distance);
    }
    return weight_sum;
  }

  // Log-int-softmax: a weight follows from exp / sum of all exps, so the row is read twice. The loader's bound on the
  // table keeps the sum below 2^31.
  std::uint32_t exp_sum = 0;
  for (const std::int32_t *distance = row; distance != end; ++distance)
    exp_sum += (*args.exp)[static_cast<std::size_t>(*distance)];
  const bool lis8 = args.softmax == Softmax::lis8;
  const int unit = lis8 ? lis8_unit(log_int_softmax_code(exp_sum, (*args.exp)[0])) : lis4_unit;
  for (std::int32_t *distance = row; distance != end; ++distance) {
    const auto d = static_cast<std::size_t>(*distance);
    const int code = log_int_softmax_code(exp_sum, (*args.exp)[d]);
    *distance = lis8 && d == 255 ? 0 : log_int_softmax_weight(code, unit);
    weight_sum += static_cast<std::uint32_t>(*distance);
  }
  return args.renormalize ? weight_sum : std::uint32_t{1} << unit;
}

} // namespace

void attention_distances(const AttentionArgs &args, int head, int query, std::int32_t *row) {
  const std::ptrdiff_t channels = std::ptrdiff_t{args.heads} * args.head_dim;
  const std::int8_t *q = args.qkv + attention_row(args, query) * 3 * channels + std::ptrdiff_t{head} * args.head_dim;
  const std::int8_t *keys = args.qkv + channels + std::ptrdiff_t{head} * args.head_dim;
  for (int j = 0; j < args.tokens; ++j) {
    const std::int8_t *k = keys + attention_row(args, j) * 3 * channels;
    std::int32_t score = 0;
    for (int d = 0; d < args.head_dim; ++d)
      score += q[d] * k[d];
    row[j] = score;
  }
  if (args.bias.bias != nullptr)
    add_bias(args, head, query, row);
  for (int j = 0; args.token_bias != nullptr && j < args.tokens; ++j)
    row[j] += args.token_bias[j];
  const std::int32_t largest = *std::max_element(row, row + args.tokens);
  const auto multiplier = static_cast<std::uint32_t>(args.score_multiplier[head]);
  for (std::int32_t *score = row; score != row + args.tokens; ++score)
    *score = distance_code(static_cast<std::uint32_t>(largest - *score), multiplier, args.score_shift);
}

std::uint32_t attention_weights(const AttentionArgs &args, int head, int query, std::int32_t *row) {
  attention_distances(args, head, query, row);
  return softmax_weights(args, row);
}

// Scratch memory is one row of scores.
std::size_t attention_scratch_bytes(int tokens, int) {
  return static_cast<std::size_t>(tokens) * sizeof(std::int32_t);
}

void attention(const AttentionArgs &args, int head, Range queries) {
  const std::ptrdiff_t channels = std::ptrdiff_t{args.heads} * args.head_dim;
  const std::ptrdiff_t stride = 3 * channels;
  const std::ptrdiff_t first = std::ptrdiff_t{head} * args.head_dim;
  const std::int8_t *v = args.qkv + 2 * channels + first;
  const Requantization &r = args.requantization;
  auto *row = reinterpret_cast<std::int32_t *>(args.scratch);

  for (int i = queries.begin; i < queries.end; ++i) {
    // The row's largest score has a weight, so the divisor is not 0. Weights are below 2^16 and add up to less than
    // 2^24, so |sum| < 2^7 * 2^24 fits 32 bits.
    const Reciprocal by = reciprocal(attention_weights(args, head, i, row));
    std::array<std::int32_t, max_head_dim> sums{};
    for (int j = 0; j < args.tokens; ++j) {
      const std::int8_t *value = v + attention_row(args, j) * stride;
      for (int d = 0; d < args.head_dim; ++d)
        sums[static_cast<std::size_t>(d)] += row[j] * value[d];
    }
    for (int d = 0; d < args.head_dim; ++d) {
      const std::ptrdiff_t c = first + d;
      args.output[attention_row(args, i) * channels + c] = clamp_to_int8(
          requantize(quotient(sums[static_cast<std::size_t>(d)], by), r.multiplier[c], r.offset[c], r.shift));
    }
  }
}

} // namespace intvit::kernels::reference
