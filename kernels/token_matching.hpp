// What all kernels for the matching of tokens have in common: everything but the distances of their keys.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/token_merging.hpp"

namespace intvit::kernels {

// The tokens that may merge, from the most important to the least important one.
class RankedTokens {
public:
  static std::size_t scratch_bytes(int tokens) {
    return static_cast<std::size_t>(tokens) * (sizeof(std::uint64_t) + sizeof(std::int32_t));
  }

  // args.scratch has scratch_bytes() for this.
  explicit RankedTokens(const MatchTokensArgs &args);

  int count() const { return args_.tokens - args_.first; }
  int operator[](int i) const { return tokens_[i]; } // the row that the i-th of them is

  // Writes to args.groups, as find_partners() does, that the i-th's partner is the one of number `partner`, and what it
  // costs to merge, by the squared distance of their keys. The first one has none.
  void set_partner(int i, int partner, std::int32_t distance) const;
  void set_no_partner() const;

private:
  const MatchTokensArgs &args_;
  std::int32_t *tokens_;
};

// TokenMergingKernel::match(), the same for all instruction sets.
void merge_into_partners(const MatchTokensArgs &args);

// Enough for both.
constexpr std::size_t matching_scratch_bytes(int tokens) {
  return static_cast<std::size_t>(tokens) * (sizeof(std::uint64_t) + 3 * sizeof(std::int32_t));
}

} // namespace intvit::kernels
