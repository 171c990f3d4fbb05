// How fast this machine's threads multiply and accumulate when nothing holds them up.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/threads/workers.hpp"
#include "kernels/kernel_table.hpp"

namespace intvit::cli {

// A sample consists of many short bursts, and of each thread the fastest burst counts. A short burst is rarely
// interrupted, and a ceiling must not depend on interruptions.
class PeakMeter {
public:
  PeakMeter(const kernels::KernelTable &kernels, int threads); // throws std::bad_alloc

  double gmac_per_s();

private:
  struct Burst {
    std::int64_t multiply_accumulates = 0;
    double seconds = 0;
  };
  Burst burst() const;

  const kernels::KernelTable &kernels_;
  Workers workers_;
  std::vector<double> rates_; // one for each thread
  std::int64_t steps_ = 1;    // of a burst
};

} // namespace intvit::cli
