// An attention with random operands, and what it must give by docs/numerics.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/kernel_table.hpp"
#include "tests/kernels/constants.hpp"
#include "tests/kernels/random.hpp"

namespace intvit::test {

struct AttentionShape {
  int tokens = 1;
  int heads = 1;
  int head_dim = 1;

  std::size_t channels() const { return static_cast<std::size_t>(heads) * static_cast<std::size_t>(head_dim); }
};

struct AttentionCase {
  AttentionShape shape;
  std::vector<std::int8_t> qkv;   // [row_count(), 3 * channels]
  std::vector<std::int32_t> rows; // of the tokens; none: the first ones, in order
  std::ptrdiff_t bias_stride = 0;
  std::vector<std::int32_t> bias;       // [heads, tokens, bias_stride]; may be none, as may be the others
  std::vector<std::int32_t> mask;       // [tokens, bias_stride]
  std::vector<std::int32_t> masking;    // [heads]
  std::vector<std::int32_t> token_bias; // [tokens]; may be none
  kernels::Softmax softmax = kernels::Softmax::lis4;
  bool renormalize = true;
  std::vector<std::int32_t> score_multiplier;
  int score_shift = 0;
  kernels::ExpTable exp{};
  std::array<std::uint8_t, 256> int8_weights{};
  int int16_weight_shift = 0;
  Constants constants;

  kernels::AttentionArgs args(std::int8_t *output, std::byte *scratch) const;
  // Computes the queries of one head with `kernels` into output [queries.end, channels].
  void run(const kernels::KernelTable &kernels, int head, kernels::Range queries, std::int8_t *output) const;

  std::ptrdiff_t row(int token) const;
  // Rows of qkv and of the output, up to the last one that a query of the range has.
  std::size_t row_count() const { return qkv.size() / (3 * shape.channels()); }
  std::size_t output_rows(kernels::Range queries) const;
  bool masked(int query, int token) const;

  int query(int head, int token, int d) const { return code(0, head, token, d); }
  int key(int head, int token, int d) const { return code(1, head, token, d); }
  int value(int head, int token, int d) const { return code(2, head, token, d); }

private:
  int code(int part, int head, int token, int d) const;
};

// Multipliers within what the loader admits, spreading the distances of a row over few or many codes.
AttentionCase make_attention(Random &random, const AttentionShape &shape, kernels::Softmax softmax, bool renormalize);

// The same with tokens at random rows of more, a bias and, if asked for, a mask, all within what the loader admits.
AttentionCase make_window_attention(Random &random, const AttentionShape &shape, kernels::Softmax softmax,
                                    bool renormalize, bool masks);

// With what sizes of merged tokens add to scores.
AttentionCase make_merged_attention(Random &random, const AttentionShape &shape, kernels::Softmax softmax,
                                    bool renormalize);

// The quotients of one query of one head, [head_dim], with 16 fraction bits.
std::vector<Int128> exact_quotients(const AttentionCase &attention, int head, int query);

} // namespace intvit::test
