// How many images a second several sessions of one model take side by side, and how long each then waits.
#pragma once

#include "cli/benchmark/measure.hpp"

namespace intvit::cli {

struct ThroughputResult : Combination {
  double images_per_second = 0; // of all sessions together
  Samples samples;              // of the runs of all sessions: how long one took while the others ran
  std::size_t arena_bytes = 0;  // of all sessions together; the weights are shared
};

// Each of Combination::sessions runs random images in a loop of its own for as long as `effort` says: Effort::seconds,
// or Effort::runs in each session. Sessions that the system gives no thread are left out. Throws Interrupted.
ThroughputResult measure_throughput(const LoadedModel &loaded, const Combination &combination, const Effort &effort);

} // namespace intvit::cli
