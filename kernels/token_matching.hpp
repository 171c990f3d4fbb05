// What all kernels for the matching of tokens have in common: everything but the distances of their keys.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/token_merging.hpp"

namespace intvit::kernels {

// Every second one of the tokens that may merge, the first among them, is a source; the others are destinations. A
// source merges into the destination whose key is closest, if it is among the `pairs` sources that are closest to
// theirs.
class TokenMatching {
public:
  static std::size_t scratch_bytes(int tokens) { return std::size_t{4} * static_cast<std::size_t>(tokens) * 4; }

  // Finds the tokens that may merge. args.scratch has scratch_bytes() for this.
  explicit TokenMatching(const MatchTokensArgs &args);

  int sources() const { return (count_ + 1) / 2; }
  int destinations() const { return count_ / 2; }
  int source(int i) const { return candidates_[std::ptrdiff_t{2} * i]; } // the row that it is
  int destination(int i) const { return candidates_[std::ptrdiff_t{2} * i + 1]; }

  // Of a source: the destination that is closest, the first of those, and the squared distance of the keys.
  void set_nearest(int source, int destination, std::int32_t distance) {
    nearest_[source] = destination;
    distances_[source] = distance;
  }

  // Writes args.groups.
  void write_groups() const;

private:
  const MatchTokensArgs &args_;
  int count_ = 0;            // that may merge
  std::int32_t *candidates_; // they, in their order
  std::int32_t *nearest_;
  std::int32_t *distances_;
  std::int32_t *order_; // for sorting
};

} // namespace intvit::kernels
