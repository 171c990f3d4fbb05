// Merging of tokens against 128-bit and real arithmetic.
#include "kernels/token_merging.hpp"

#include <cmath>

#include <catch2/catch.hpp>

#include "kernels/dispatch.hpp"
#include "tests/kernels/aligned_bytes.hpp"
#include "tests/kernels/attention_case.hpp"
#include "tests/kernels/token_merging_case.hpp"

using namespace intvit::kernels;
using namespace intvit::test;

namespace {

void check_match(const MatchCase &match) {
  const std::vector<std::int32_t> expected = exact_groups(match);
  for (const KernelTable &kernels : available_kernels())
    if (match.run(kernels) != expected)
      FAIL(kernels.name << ": tokens " << match.tokens << ", channels " << match.channels << ", first " << match.first
                        << ", pairs " << match.pairs << (match.importance.empty() ? "" : ", weighted"));
}

void check_merge(const MergeCase &merge, Range rows) {
  const std::size_t size = element_size(merge.type);
  const std::size_t channels = static_cast<std::size_t>(merge.channels);
  const std::vector<std::byte> untouched(static_cast<std::size_t>(merge.rows) * channels * size, std::byte{99});
  std::vector<std::int64_t> expected = read_codes(untouched, merge.type);
  for (int row = rows.begin; row < rows.end; ++row)
    for (int c = 0; c < merge.channels; ++c) {
      Int128 sum = 0;
      Int128 weight = 0;
      for (int token = 0; token < merge.tokens; ++token)
        if (merge.groups[static_cast<std::size_t>(token)] == row) {
          const Int128 token_size = merge.groups[static_cast<std::size_t>(merge.tokens + token)];
          sum += token_size * merge.code(token, c);
          weight += token_size;
        }
      expected[static_cast<std::size_t>(row) * channels + static_cast<std::size_t>(c)] =
          static_cast<std::int64_t>(round_div(sum, weight));
    }
  for (const KernelTable &kernels : available_kernels()) {
    std::vector<std::byte> output = untouched;
    AlignedBytes scratch(kernels.token_merging.merge_scratch_bytes(merge.tokens));
    kernels.token_merging.merge(merge.args(output.data(), scratch.data()), rows);
    if (read_codes(output, merge.type) != expected)
      FAIL(kernels.name << ": tokens " << merge.tokens << ", rows " << rows.begin << " to " << rows.end << " of "
                        << merge.rows << ", channels " << merge.channels);
  }
}

} // namespace

TEST_CASE("match_tokens: exactly as defined") {
  Random random(1);
  for (int round = 0; round < 1000; ++round)
    check_match(make_match(random, 70, 80));
  for (int round = 0; round < 10; ++round)
    check_match(make_match(random, 260, 390));
}

TEST_CASE("match_tokens: keys that are all the same, and keys as far apart as there are") {
  Random random(2);
  for (int round = 0; round < 40; ++round) {
    MatchCase match = make_match(random, 40, 30);
    std::fill(match.keys.begin(), match.keys.end(), std::int8_t{-128});
    check_match(match);
    for (std::size_t i = 0; i < match.keys.size(); ++i)
      match.keys[i] = i / static_cast<std::size_t>(match.stride) % 2 == 0 ? -128 : 127;
    check_match(match);
  }
  MatchCase widest;
  widest.tokens = 4;
  widest.channels = max_merging_channels;
  widest.stride = max_merging_channels;
  widest.pairs = 2;
  widest.importance = {0, 1 << 26, 1 << 26, 1 << 26};
  for (int token = 0; token < 4; ++token)
    widest.keys.insert(widest.keys.end(), max_merging_channels, token % 2 == 0 ? -128 : 127);
  check_match(widest);
}

TEST_CASE("merge_tokens: exactly as defined, and only the rows it is asked for") {
  Random random(3);
  for (int round = 0; round < 1000; ++round) {
    const MergeCase merge = make_merge(random, 60, 70);
    check_merge(merge, {0, merge.rows});
    const int begin = random.between(0, merge.rows);
    check_merge(merge, {begin, random.between(begin, merge.rows)});
  }
}

TEST_CASE("merge_tokens: sums that are just about halves, of all sizes, and the largest ones") {
  // Two tokens, the first of which stands for all patches but one.
  for (int size = 2; size <= max_tokens; size += size < 300 ? 1 : 997)
    for (const int code : {-32768, -32767, -3, -1, 0, 1, 2, 32766, 32767}) {
      MergeCase merge;
      merge.tokens = 2;
      merge.type = ElementType::int16;
      merge.groups = {0, 0, size - 1, 1, size, 0};
      merge.channels = 5;
      merge.stride = 5;
      for (int c = 0; c < 5; ++c)
        merge.codes16.push_back(static_cast<std::int16_t>(code));
      // Half a unit of the mean further, as near as integers come to it.
      for (int c = 0; c < 5; ++c)
        merge.codes16.push_back(
            static_cast<std::int16_t>(std::clamp(code + (code > 0 ? -1 : 1) * (size / 2 + c - 2), -32768, 32767)));
      check_merge(merge, {0, 1});
    }
}

TEST_CASE("importance: the first token's probabilities, of all heads") {
  Random random(4);
  for (int round = 0; round < 200; ++round) {
    const AttentionShape shape{random.between(1, 90), random.between(1, 4), random.between(1, 64)};
    AttentionCase attention = random.between(0, 1) == 0 ? make_attention(random, shape, Softmax::lis4, true)
                                                        : make_merged_attention(random, shape, Softmax::lis4, true);
    std::vector<Int128> expected(static_cast<std::size_t>(shape.tokens), 7);
    for (int head = 0; head < shape.heads; ++head) {
      std::vector<Int128> scores;
      for (int j = 0; j < shape.tokens; ++j) {
        Int128 score = attention.token_bias.empty() ? 0 : attention.token_bias[static_cast<std::size_t>(j)];
        for (int d = 0; d < shape.head_dim; ++d)
          score += Int128{attention.query(head, 0, d)} * attention.key(head, j, d);
        scores.push_back(score);
      }
      const Int128 largest = *std::max_element(scores.begin(), scores.end());
      std::vector<Int128> exps;
      Int128 sum = 0;
      for (const Int128 score : scores) {
        const Int128 steps = round_div((largest - score) * attention.score_multiplier[static_cast<std::size_t>(head)],
                                       power_of_two(attention.score_shift));
        exps.push_back(attention.exp[static_cast<std::size_t>(std::min<Int128>(steps, 255))]);
        sum += exps.back();
      }
      int left = 0;
      while (sum * power_of_two(left) < power_of_two(30))
        ++left;
      const Int128 factor = power_of_two(60) / (sum * power_of_two(left));
      for (std::size_t j = 0; j < exps.size(); ++j)
        expected[j] += round_div(exps[j] * factor, power_of_two(44 - left));
    }
    for (const KernelTable &kernels : available_kernels()) {
      std::vector<std::uint32_t> importance(static_cast<std::size_t>(shape.tokens), 7);
      AlignedBytes scratch(static_cast<std::size_t>(shape.tokens) * sizeof(std::int32_t));
      const AttentionArgs args = attention.args(nullptr, scratch.data());
      for (int head = 0; head < shape.heads; ++head)
        kernels.token_merging.add_importance(args, head, importance.data());
      CAPTURE(kernels.name, round);
      CHECK(std::equal(importance.begin(), importance.end(), expected.begin(), expected.end(),
                       [](std::uint32_t a, Int128 b) { return Int128{a} == b; }));
    }
  }
}

TEST_CASE("size_score: log2 of the size, in a score's units") {
  for (std::uint32_t size = 1; size <= std::uint32_t{max_tokens}; ++size) {
    const double exact = std::ldexp(std::log2(static_cast<double>(size)), log2_fraction_bits);
    CHECK(fixed_log2(size) == static_cast<std::uint32_t>(exact));
  }
  Random random(5);
  for (int round = 0; round < 10'000; ++round) {
    const std::int32_t size = random.between(1, max_tokens);
    const int units = random.between(1, 255);
    const std::int32_t multiplier = random.between(1, INT32_MAX) >> random.between(0, 30);
    const int shift = random.between(1, 31);
    if (multiplier == 0)
      continue;
    const Int128 exact = round_div(Int128{fixed_log2(static_cast<std::uint32_t>(size))} * units * power_of_two(shift),
                                   Int128{multiplier} * power_of_two(log2_fraction_bits));
    CHECK(Int128{size_score(size, units, multiplier, shift)} == exact);
  }
}
