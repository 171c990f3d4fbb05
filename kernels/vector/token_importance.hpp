// What the first token pays attention to, compiled with an instruction set's flags: plain loops that compilers turn
// into vectors.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/attention.hpp"
#include "kernels/reciprocal.hpp"

namespace intvit::kernels::vector {

// A template over V, so that each instruction set has a copy of its own.
template <class V> struct TokenImportance {
  // TokenMergingKernel::add_importance().
  static void add(const AttentionArgs &args, int head, std::uint32_t *importance) {
    auto *row = reinterpret_cast<std::int32_t *>(args.scratch);
    const std::ptrdiff_t channels = std::ptrdiff_t{args.heads} * args.head_dim;
    const std::int8_t *query = args.qkv + std::ptrdiff_t{head} * args.head_dim;
    for (int token = 0; token < args.tokens; ++token) {
      const std::int8_t *key = query + (std::ptrdiff_t{token} * 3 + 1) * channels;
      std::int32_t score = args.token_bias != nullptr ? args.token_bias[token] : 0;
      for (int d = 0; d < args.head_dim; ++d)
        score += query[d] * key[d];
      row[token] = score;
    }
    const std::int32_t largest = *std::max_element(row, row + args.tokens);
    const auto multiplier = static_cast<std::uint32_t>(args.score_multiplier[head]);
    std::uint32_t sum = 0; // below 2^31: the loader's bound on the table
    for (std::int32_t *score = row; score != row + args.tokens; ++score) {
      const std::int32_t distance =
          distance_code(static_cast<std::uint32_t>(largest - *score), multiplier, args.score_shift);
      *score = static_cast<std::int32_t>((*args.exp)[static_cast<std::size_t>(distance)]);
      sum += static_cast<std::uint32_t>(*score);
    }
    const Reciprocal by = reciprocal(sum);
    for (int token = 0; token < args.tokens; ++token)
      importance[token] += static_cast<std::uint32_t>(quotient(row[token], by)); // at most 2^16
  }
};

} // namespace intvit::kernels::vector
