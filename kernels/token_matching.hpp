// What all kernels for the matching of tokens have in common: everything but the distances of their keys.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/token_merging.hpp"

namespace intvit::kernels {

// The tokens that may merge are numbered from the most important to the least important one. A token's partner is, of
// those before it, the one whose key is closest. Tokens merge into their partners, those first of which it costs least.
class TokenMatching {
public:
  static std::size_t scratch_bytes(int tokens) {
    return static_cast<std::size_t>(tokens) * (sizeof(std::uint64_t) + 4 * sizeof(std::int32_t));
  }

  // Puts the tokens that may merge in order. args.scratch has scratch_bytes() for this.
  explicit TokenMatching(const MatchTokensArgs &args);

  int count() const { return args_.tokens - args_.first; }
  int token(int i) const { return tokens_[i]; } // the row that the i-th of them is

  // Of each but the first: which one before it is closest, the first of those, and the squared distance of the keys.
  void set_partner(int i, int partner, std::int32_t distance) {
    partners_[i] = partner;
    distances_[i] = distance;
  }

  // Writes args.groups.
  void write_groups() const;

private:
  void merge_pairs() const;

  const MatchTokensArgs &args_;
  std::uint64_t *costs_; // of merging each into its partner
  std::int32_t *tokens_;
  std::int32_t *partners_;
  std::int32_t *distances_;
  std::int32_t *order_; // for sorting
};

} // namespace intvit::kernels
