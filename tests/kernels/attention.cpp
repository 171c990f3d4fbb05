// Attention against a 128-bit transcription of docs/numerics.md, and against attention in double.
#include "kernels/attention.hpp"

#include <cmath>
#include <numbers>

#include <catch2/catch.hpp>

#include "engine/ops/bounds.hpp"
#include "kernels/dispatch.hpp"
#include "tests/kernels/attention_case.hpp"

using namespace intvit::kernels;
using namespace intvit::test;

namespace {

struct Mode {
  Softmax softmax;
  bool renormalize;
};

constexpr Mode modes[] = {{Softmax::lis4, true},  {Softmax::lis4, false}, {Softmax::lis8, true},
                          {Softmax::lis8, false}, {Softmax::int8, true},  {Softmax::int16, true}};

// Runs one head for some of the queries and compares the whole output, which must not change elsewhere.
void check_head(const AttentionCase &attention, int head, Range queries) {
  const auto [tokens, heads, head_dim] = attention.shape;
  const std::size_t channels = attention.shape.channels();
  constexpr std::int8_t untouched = 99;
  std::vector<std::int8_t> expected(attention.output_rows(queries) * channels + 64, untouched);
  for (int query = queries.begin; query < queries.end; ++query) {
    const std::vector<Int128> quotients = exact_quotients(attention, head, query);
    for (int d = 0; d < head_dim; ++d) {
      const Int128 quotient = quotients[static_cast<std::size_t>(d)];
      if (absolute(quotient) > intvit::attention_bound)
        FAIL("a quotient is above the bound that the loader assumes");
      const int column = head * head_dim + d;
      const auto c = static_cast<std::size_t>(column);
      expected[static_cast<std::size_t>(attention.row(query)) * channels + c] =
          static_cast<std::int8_t>(clamped(attention.constants.exact(quotient, c), -128, 127));
    }
  }
  for (const KernelTable &kernels : available_kernels()) {
    std::vector<std::int8_t> output(expected.size(), untouched);
    attention.run(kernels, head, queries, output.data());
    if (output != expected)
      FAIL(kernels.name << ": tokens " << tokens << ", heads " << heads << ", head_dim " << head_dim << ", softmax "
                        << softmax_name(attention.softmax) << ", renormalize " << attention.renormalize);
  }
}

} // namespace

TEST_CASE("attention: exactly as defined, and only the head and queries it is asked for") {
  Random random(1);
  for (const auto [softmax, renormalize] : modes)
    for (int round = 0; round < 150; ++round) {
      const AttentionShape shape{random.between(1, 70), random.between(1, 4), random.between(1, 64)};
      const AttentionCase attention = make_attention(random, shape, softmax, renormalize);
      const int begin = random.between(0, shape.tokens - 1);
      check_head(attention, random.between(0, shape.heads - 1), {begin, random.between(begin, shape.tokens)});
    }
}

TEST_CASE("attention: tokens at any rows, with a bias and with masks") {
  Random random(5);
  for (const auto [softmax, renormalize] : modes)
    for (const bool masks : {false, true})
      for (int round = 0; round < 60; ++round) {
        const AttentionShape shape{random.between(1, 70), random.between(1, 4), random.between(1, 64)};
        const AttentionCase attention = make_window_attention(random, shape, softmax, renormalize, masks);
        const int begin = random.between(0, shape.tokens - 1);
        check_head(attention, random.between(0, shape.heads - 1), {begin, random.between(begin, shape.tokens)});
      }
}

TEST_CASE("attention: tokens that weigh more") {
  Random random(7);
  for (const auto [softmax, renormalize] : modes)
    for (int round = 0; round < 60; ++round) {
      const AttentionShape shape{random.between(1, 70), random.between(1, 4), random.between(1, 64)};
      const AttentionCase attention = make_merged_attention(random, shape, softmax, renormalize);
      const int begin = random.between(0, shape.tokens - 1);
      check_head(attention, random.between(0, shape.heads - 1), {begin, random.between(begin, shape.tokens)});
    }
}

TEST_CASE("attention: scores, biases and masks at the ends of their ranges") {
  // Every query likes the tokens that it must not see as much as it can, and the others as little.
  Random random(6);
  for (const auto [softmax, renormalize] : modes)
    for (const int head_dim : {1, 32, max_head_dim}) {
      AttentionCase attention = make_window_attention(random, {9, 1, head_dim}, softmax, renormalize, true);
      const std::int32_t high = *std::max_element(attention.bias.begin(), attention.bias.end());
      const std::int32_t low = *std::min_element(attention.bias.begin(), attention.bias.end());
      const std::size_t row = 3 * attention.shape.channels();
      for (int i = 0; i < 9; ++i)
        for (int j = 0; j < 9; ++j) {
          const auto at = static_cast<std::size_t>(i * attention.bias_stride + j);
          attention.mask[at] = i % 3 == j % 3 ? 0 : 1;
          attention.bias[at] = attention.mask[at] != 0 ? high : low;
        }
      for (int token = 0; token < 9; ++token)
        for (std::size_t d = 0; d < attention.shape.channels(); ++d) {
          std::int8_t *codes = attention.qkv.data() + static_cast<std::size_t>(attention.row(token)) * row + d;
          codes[0] = token % 3 == 0 ? -128 : 127;
          codes[attention.shape.channels()] = token % 3 == 0 ? 127 : -128;
        }
      check_head(attention, 0, {0, 9});
    }
}

TEST_CASE("attention: extreme codes and the largest shapes") {
  Random random(2);
  const std::vector<AttentionShape> shapes{
      {1, 1, 1}, {64, 2, 64}, {197, 1, 64}, {3, 1, max_head_dim}, {max_tokens, 1, 2}};
  for (const auto [softmax, renormalize] : modes)
    for (const AttentionShape &shape : shapes) {
      AttentionCase attention = make_attention(random, shape, softmax, renormalize);
      const Range queries{0, std::min(shape.tokens, 2)};
      // All scores equal and all values alike: the largest sums.
      for (const int code : {-128, 127, 0}) {
        std::fill(attention.qkv.begin(), attention.qkv.end(), static_cast<std::int8_t>(code));
        check_head(attention, 0, queries);
      }
      // Scores at both ends of their range.
      for (std::int8_t &code : attention.qkv)
        code = (random.bits() & 1) != 0 ? 127 : -128;
      check_head(attention, 0, queries);
      // A query against itself and its negative: the largest distance.
      for (int d = 0; d < shape.head_dim; ++d) {
        const auto c = static_cast<std::size_t>(d);
        const std::size_t row = 3 * shape.channels();
        for (std::size_t token = 0; token < static_cast<std::size_t>(shape.tokens); ++token) {
          attention.qkv[token * row + c] = -128;
          attention.qkv[token * row + shape.channels() + c] = token == 0 ? -128 : 127;
        }
      }
      check_head(attention, 0, queries);
    }
}

TEST_CASE("attention: one token returns its own value") {
  Random random(3);
  for (const auto [softmax, renormalize] : modes) {
    AttentionCase attention = make_attention(random, {1, 3, 32}, softmax, renormalize);
    attention.constants = constants_for(std::vector<double>(96, std::ldexp(1.0, -16)), std::vector<double>(96, 0.0));
    std::vector<std::int8_t> output(96);
    for (int head = 0; head < 3; ++head)
      attention.run(reference_kernels(), head, {0, 1}, output.data());
    CHECK(std::equal(output.begin(), output.end(), attention.qkv.end() - 96));
  }
}

TEST_CASE("attention: near the real softmax attention") {
  Random random(4);
  for (const auto [softmax, renormalize] : modes) {
    double worst = 0;
    double sum = 0;
    int count = 0;
    for (int round = 0; round < 60; ++round) {
      const AttentionShape shape{random.between(2, 197), 1, 64};
      AttentionCase attention = make_attention(random, shape, softmax, renormalize);
      // A typical spread of scores: a standard deviation of 1 to 3 in the exponent.
      const double step = std::numbers::ln2 / (softmax == Softmax::int8 ? 32 : 16);
      const double deviation = 1 + random.between(0, 20) / 10.0;
      attention.score_shift = 18;
      attention.score_multiplier = {
          static_cast<std::int32_t>(std::ldexp(deviation / step / (5400 * 8), attention.score_shift))};
      REQUIRE(intvit::score_fits(64, attention.score_multiplier[0], attention.score_shift));
      const double unit = std::ldexp(static_cast<double>(attention.score_multiplier[0]), -attention.score_shift) * step;
      // Output codes are those of the values.
      attention.constants = constants_for(std::vector<double>(64, std::ldexp(1.0, -16)), std::vector<double>(64, 0.0));
      std::vector<std::int8_t> output(64);
      attention.run(reference_kernels(), 0, {0, 1}, output.data());

      std::vector<double> scores;
      for (int j = 0; j < shape.tokens; ++j) {
        double score = 0;
        for (int d = 0; d < 64; ++d)
          score += unit * attention.query(0, 0, d) * attention.key(0, j, d);
        scores.push_back(score);
      }
      const double largest = *std::max_element(scores.begin(), scores.end());
      double total = 0;
      for (double &score : scores) {
        score = std::exp(score - largest);
        total += score;
      }
      for (int d = 0; d < 64; ++d) {
        double real = 0;
        for (int j = 0; j < shape.tokens; ++j)
          real += scores[static_cast<std::size_t>(j)] / total * attention.value(0, j, d);
        const double error = std::abs(output[static_cast<std::size_t>(d)] - real);
        worst = std::max(worst, error);
        sum += error;
        ++count;
      }
    }
    CAPTURE(softmax_name(softmax), renormalize, worst, sum / count);
    // In codes of the values, which are uniform over 8 bits here.
    if (softmax == Softmax::int16) {
      CHECK(worst < 2);
      CHECK(sum / count < 0.35);
    } else if (softmax == Softmax::int8) {
      CHECK(worst < 6);
      CHECK(sum / count < 0.6);
    } else {
      CHECK(worst < (renormalize ? 30 : 50));
      CHECK(sum / count < (renormalize ? 4 : 5.5));
    }
  }
}
