// How fast this machine's threads read memory.
#pragma once

#include <cstdint>
#include <vector>

namespace intvit::cli {

// Reads a block of memory that no cache holds, from end to end, with all threads at once, each its own part: the way in
// which a forward pass reads weights.
class BandwidthMeter {
public:
  explicit BandwidthMeter(int threads); // throws std::bad_alloc

  // The fastest of some passes, which lets interruptions pass: a ceiling must not suffer from them.
  double gb_per_s();

private:
  int threads_;
  std::vector<std::uint64_t> block_;
  std::vector<std::uint64_t> sums_; // a thread's, so that reading has a result
  double best_seconds_ = 0;
};

} // namespace intvit::cli
