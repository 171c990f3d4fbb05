// How fast this machine's threads read memory.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/threads/workers.hpp"

namespace intvit::cli {

// Reads a block of memory that is too large for any cache, from end to end. All threads read at once, each its own
// part, which is how a forward pass reads the weights.
class BandwidthMeter {
public:
  explicit BandwidthMeter(int threads); // throws std::bad_alloc

  // Of the fastest of several passes: a ceiling must not depend on interruptions by other programs.
  double gb_per_s();

private:
  Workers workers_;
  std::vector<std::uint64_t> block_;
  std::vector<std::uint64_t> sums_; // one for each thread, so that the reading has a result
  double best_seconds_ = 0;
};

} // namespace intvit::cli
