// Merging of similar tokens, so that later blocks have fewer (docs/numerics.md, "Merging tokens"; the idea is Token
// Merging's, arXiv 2210.09461).
//
// Three steps. How important each token is: what the first token pays attention to. Which tokens become one:
// unimportant ones and those whose keys are closest to theirs. The stream's rows of these: their mean, weighted by how
// many patches each stands for.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/attention.hpp"
#include "kernels/range.hpp"
#include "kernels/residual.hpp"

namespace intvit::kernels {

// |a - b|^2 of two rows of keys is at most 255^2 * 2^15 < 2^31.
inline constexpr int max_merging_channels = 1 << 15;

// A token's probabilities of at most 2^16 in each of 2^10 heads are below it.
inline constexpr std::uint32_t max_importance = std::uint32_t{1} << 27;

// What find_partners() finds, int32 [token_group_rows, tokens], and match() replaces.
enum TokenPartnerRow : std::uint8_t {
  partner_of_token, // the token that each of those which may merge would merge into; -1: none
  cost_low,         // what that would cost, 64 bits in two numbers
  cost_high,
};

// What match() finds, int32 [token_group_rows, tokens].
enum TokenGroupRow : std::uint8_t {
  group_of_token, // the row that each token becomes a part of; the rows that remain keep their order
  size_of_token,  // how many patches it stands for
  size_of_group,  // how many those that remain stand for, one after the other; then zeros
};
inline constexpr int token_group_rows = 3;

struct MatchTokensArgs {
  const std::int8_t *keys = nullptr; // [tokens, channels], rows `stride` elements apart
  std::ptrdiff_t stride = 0;
  int tokens = 0;                            // at most max_tokens
  int channels = 0;                          // at most max_merging_channels
  int first = 0;                             // so many tokens at the beginning do not merge
  const std::uint32_t *importance = nullptr; // [tokens], below max_importance; null: all 0
  int pairs = 0;                             // 0 to half of count(), rounded down
  const std::int32_t *sizes = nullptr;       // [tokens], 1 and more, at most max_tokens together; null: all 1
  std::int32_t *groups = nullptr;            // [token_group_rows, tokens]
  std::byte *scratch = nullptr;              // TokenMergingKernel::match_scratch_bytes(), aligned to 64 bytes

  int count() const { return tokens - first; } // of the tokens that may merge
};

struct MergeTokensArgs {
  const std::int32_t *groups = nullptr; // as match() has written them
  int tokens = 0;
  StreamCodes input; // [tokens, channels]
  int channels = 0;
  void *output = nullptr;       // [tokens that remain, channels], dense, of the input's type
  std::byte *scratch = nullptr; // merge_scratch_bytes(tokens), aligned to 64 bytes
};

inline constexpr int log2_fraction_bits = 12;

// floor(2^12 log2(value)), 1 <= value <= max_tokens. Each bit is whether the square of what is left reaches 2; the
// squares are rounded down, and the tests show that this changes no bit.
INTVIT_INLINE constexpr std::uint32_t fixed_log2(std::uint32_t value) {
  std::uint32_t result = 0;
  while (value >> result > 1)
    ++result;
  std::uint64_t left = std::uint64_t{value} << (30 - result); // in [2^30, 2^31)
  for (int bit = 0; bit < log2_fraction_bits; ++bit) {
    left = left * left >> 30;
    const std::uint32_t two = left >= std::uint64_t{1} << 31 ? 1 : 0;
    left >>= two;
    result = result << 1 | two;
  }
  return result;
}

// What is added to the scores of a token that stands for `size` patches, so that it weighs as much as they together:
// log2(size) octaves of the softmax, rounded to a score's units. The caller's bound keeps it to max_score_bias.
INTVIT_INLINE constexpr std::uint64_t size_score(std::int32_t size, int units_per_octave, std::int32_t score_multiplier,
                                                 int score_shift) {
  const auto multiplier = static_cast<std::uint64_t>(score_multiplier);
  // At most 14 * 2^12 * 255 * 2^31 < 2^55.
  const std::uint64_t units =
      std::uint64_t{fixed_log2(static_cast<std::uint32_t>(size))} * static_cast<std::uint64_t>(units_per_octave)
      << score_shift;
  return (units + (multiplier << (log2_fraction_bits - 1))) / (multiplier << log2_fraction_bits);
}

} // namespace intvit::kernels
