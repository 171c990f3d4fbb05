#include "tests/kernels/attention_case.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "engine/ops/bounds.hpp"
#include "tests/kernels/aligned_bytes.hpp"
#include "tests/kernels/fqvit.hpp"

namespace intvit::test {

using kernels::Softmax;

kernels::AttentionArgs AttentionCase::args(std::int8_t *output, std::byte *scratch) const {
  return {.qkv = qkv.data(),
          .rows = rows.empty() ? nullptr : rows.data(),
          .tokens = shape.tokens,
          .heads = shape.heads,
          .head_dim = shape.head_dim,
          .softmax = softmax,
          .renormalize = renormalize,
          .score_multiplier = score_multiplier.data(),
          .score_shift = score_shift,
          .bias = {.bias = bias.empty() ? nullptr : bias.data(),
                   .stride = bias_stride,
                   .mask = mask.empty() ? nullptr : mask.data(),
                   .masking = masking.data()},
          .token_bias = token_bias.empty() ? nullptr : token_bias.data(),
          .exp = &exp,
          .exp_halves = kernels::halves_every_16(exp),
          .int8_weights = &int8_weights,
          .int16_weight_shift = int16_weight_shift,
          .requantization = constants.view(),
          .output = output,
          .scratch = scratch};
}

void AttentionCase::run(const kernels::KernelTable &kernels, int head, kernels::Range queries,
                        std::int8_t *output) const {
  AlignedBytes scratch(kernels.attention.scratch_bytes(shape.tokens, shape.head_dim));
  kernels.attention.run(args(output, scratch.data()), head, queries);
}

std::ptrdiff_t AttentionCase::row(int token) const {
  return rows.empty() ? token : rows[static_cast<std::size_t>(token)];
}

std::size_t AttentionCase::output_rows(kernels::Range queries) const {
  std::ptrdiff_t last = 0;
  for (int query = queries.begin; query < queries.end; ++query)
    last = std::max(last, row(query) + 1);
  return static_cast<std::size_t>(std::max<std::ptrdiff_t>(last, queries.end));
}

bool AttentionCase::masked(int query, int token) const {
  return !mask.empty() && mask[static_cast<std::size_t>(query * bias_stride + token)] != 0;
}

int AttentionCase::code(int part, int head, int token, int d) const {
  const std::size_t third = static_cast<std::size_t>(row(token)) * 3 + static_cast<std::size_t>(part);
  return qkv[third * shape.channels() + static_cast<std::size_t>(head * shape.head_dim + d)];
}

AttentionCase make_attention(Random &random, const AttentionShape &shape, Softmax softmax, bool renormalize) {
  AttentionCase attention;
  attention.shape = shape;
  attention.softmax = softmax;
  attention.renormalize = renormalize;
  attention.qkv = random.values<std::int8_t>(static_cast<std::size_t>(shape.tokens) * 3 * shape.channels(), -128, 127);

  // Two random vectors of codes have a product of about 5400 * sqrt(head_dim).
  const double typical = 5400 * std::sqrt(static_cast<double>(shape.head_dim));
  attention.score_shift = random.between(14, 24);
  for (int head = 0; head < shape.heads; ++head) {
    const double steps = std::exp2(random.between(0, 9)); // between two typical scores
    auto multiplier = static_cast<std::int32_t>(1 + std::ldexp(steps / typical, attention.score_shift));
    while (!score_fits(shape.head_dim, multiplier, attention.score_shift))
      multiplier = (multiplier + 1) / 2;
    attention.score_multiplier.push_back(multiplier);
  }

  const int units = softmax == Softmax::int8 ? 32 : 16;
  kernels::ExpPolynomial polynomial = fqvit_polynomial(std::numbers::ln2 / units, 16);
  polynomial.units_per_octave = units;
  while (!exp_table_is_valid(polynomial, shape.tokens))
    --polynomial.octaves;
  attention.exp = kernels::build_exp_table(polynomial);
  attention.int8_weights = kernels::build_int8_weights(attention.exp);
  attention.int16_weight_shift = kernels::int16_weight_shift(attention.exp, shape.tokens);
  attention.constants = random_constants(random, shape.channels(), std::int64_t{1} << 23);
  return attention;
}

AttentionCase make_window_attention(Random &random, const AttentionShape &shape, Softmax softmax, bool renormalize,
                                    bool masks) {
  AttentionCase attention = make_attention(random, shape, softmax, renormalize);
  const int row_count = shape.tokens + random.between(0, 20);
  attention.qkv = random.values<std::int8_t>(static_cast<std::size_t>(row_count) * 3 * shape.channels(), -128, 127);
  for (int row = 0; row < row_count; ++row)
    attention.rows.push_back(row);
  for (int i = row_count - 1; i > 0; --i)
    std::swap(attention.rows[static_cast<std::size_t>(i)],
              attention.rows[random.between<std::size_t>(0, static_cast<std::size_t>(i))]);
  attention.rows.resize(static_cast<std::size_t>(shape.tokens));

  attention.bias_stride = (shape.tokens + kernels::bias_lanes - 1) / kernels::bias_lanes * kernels::bias_lanes;
  const auto elements = static_cast<std::size_t>(shape.tokens * attention.bias_stride);
  attention.bias.resize(static_cast<std::size_t>(shape.heads) * elements);
  if (masks)
    attention.mask.resize(elements);
  for (int i = 0; i < shape.tokens && masks; ++i)
    for (int j = 0; j < shape.tokens; ++j)
      attention.mask[static_cast<std::size_t>(i * attention.bias_stride + j)] =
          i != j && (random.bits() & 3) == 0 ? 1 : 0;
  for (int head = 0; head < shape.heads; ++head) {
    const std::int32_t limit = std::int32_t{1} << random.between(0, 28);
    std::int32_t low = 0;
    std::int32_t high = 0;
    for (int i = 0; i < shape.tokens; ++i)
      for (int j = 0; j < shape.tokens; ++j) {
        const std::int32_t bias = random.between(-limit, limit);
        low = std::min(low, bias);
        high = std::max(high, bias);
        attention.bias[static_cast<std::size_t>((head * shape.tokens + i) * attention.bias_stride + j)] = bias;
      }
    std::int32_t &multiplier = attention.score_multiplier[static_cast<std::size_t>(head)];
    const auto range = static_cast<std::uint64_t>(std::int64_t{high} - low);
    const auto masking = [&] {
      return masks ? intvit::masking(shape.head_dim, multiplier, attention.score_shift, range) : 0;
    };
    // Small multipliers need a small shift, or 255 codes are too far for a mask.
    while (multiplier > 1 && !score_fits(shape.head_dim, multiplier, attention.score_shift, range + masking()))
      multiplier = (multiplier + 1) / 2;
    if (masking() > kernels::max_masking ||
        !score_fits(shape.head_dim, multiplier, attention.score_shift, range + masking()))
      return make_window_attention(random, shape, softmax, renormalize, masks);
    attention.masking.push_back(static_cast<std::int32_t>(masking()));
  }
  return attention;
}

AttentionCase make_merged_attention(Random &random, const AttentionShape &shape, Softmax softmax, bool renormalize) {
  AttentionCase attention = make_attention(random, shape, softmax, renormalize);
  const std::int32_t limit = std::int32_t{1} << random.between(0, 28);
  attention.token_bias = random.values<std::int32_t>(static_cast<std::size_t>(shape.tokens), 0, limit);
  for (std::int32_t &multiplier : attention.score_multiplier)
    while (multiplier > 1 &&
           !score_fits(shape.head_dim, multiplier, attention.score_shift, static_cast<std::uint64_t>(limit)))
      multiplier = (multiplier + 1) / 2;
  return attention;
}

std::vector<Int128> exact_quotients(const AttentionCase &attention, int head, int query) {
  const auto [tokens, heads, head_dim] = attention.shape;
  std::vector<Int128> scores;
  for (int j = 0; j < tokens; ++j) {
    Int128 score = 0;
    for (int d = 0; d < head_dim; ++d)
      score += Int128{attention.query(head, query, d)} * attention.key(head, j, d);
    if (!attention.bias.empty())
      score += attention.bias[static_cast<std::size_t>((head * tokens + query) * attention.bias_stride + j)];
    if (!attention.token_bias.empty())
      score += attention.token_bias[static_cast<std::size_t>(j)];
    scores.push_back(score);
  }
  Int128 largest = -power_of_two(100);
  for (int j = 0; j < tokens; ++j)
    if (!attention.masked(query, j))
      largest = std::max(largest, scores[static_cast<std::size_t>(j)]);
  const Int128 multiplier = attention.score_multiplier[static_cast<std::size_t>(head)];
  std::vector<std::size_t> distances;
  Int128 exp_sum = 0;
  for (int j = 0; j < tokens; ++j) {
    const Int128 steps =
        round_div((largest - scores[static_cast<std::size_t>(j)]) * multiplier, power_of_two(attention.score_shift));
    distances.push_back(attention.masked(query, j) ? 255 : static_cast<std::size_t>(std::min<Int128>(steps, 255)));
    exp_sum += attention.exp[distances.back()];
  }
  const bool log_int = attention.softmax == Softmax::lis4 || attention.softmax == Softmax::lis8;
  // Weights are probabilities in units of 2^-unit. lis8: 16 octaves from the row's largest on, at most 23.
  int unit = 15;
  if (attention.softmax == Softmax::lis8)
    unit = std::min(unit + exact_code(exp_sum, attention.exp[0]), 23);
  std::vector<Int128> weights;
  Int128 divisor = 0;
  for (const std::size_t distance : distances) {
    if (attention.softmax == Softmax::int8) {
      weights.push_back(attention.int8_weights[distance]);
    } else if (attention.softmax == Softmax::int16) {
      weights.push_back(
          distance == 255 ? 0 : round_div(attention.exp[distance], power_of_two(attention.int16_weight_shift)));
    } else {
      const int code = exact_code(exp_sum, attention.exp[distance]);
      const bool nothing = code > unit || (attention.softmax == Softmax::lis8 && distance == 255);
      weights.push_back(nothing ? 0 : power_of_two(unit - code));
    }
    divisor += weights.back();
  }
  if (log_int && !attention.renormalize)
    divisor = power_of_two(unit);

  int left = 0;
  while (divisor * power_of_two(left) < power_of_two(30))
    ++left;
  const Int128 factor = power_of_two(60) / (divisor * power_of_two(left));
  std::vector<Int128> quotients;
  for (int d = 0; d < head_dim; ++d) {
    Int128 sum = 0;
    for (int j = 0; j < tokens; ++j)
      sum += weights[static_cast<std::size_t>(j)] * attention.value(head, j, d);
    quotients.push_back(round_div(sum * factor, power_of_two(44 - left)));
  }
  return quotients;
}

} // namespace intvit::test
