// How often something is run that is to be measured.
//
// Clocks drift and neighbours come and go. A measurement is therefore cut into rounds, with a sample of the peak before
// each round and after the last; shares of the peak are medians over medians.
#pragma once

#include <chrono>
#include <cstddef>

#include "cli/benchmark/samples.hpp"
#include "cli/process.hpp"

namespace intvit::cli {

// How long to measure.
struct Effort {
  int warmup = 3;     // runs that are not counted
  int runs = 0;       // exactly this many, disturbed or not; 0: as many as fit into `seconds`, but at least 5
  double seconds = 2; // used if runs is 0: of undisturbed runs, for which at most twice as long is waited
  bool roofline = false;
};

inline constexpr std::size_t least_runs = 5;

// What one call of `sample` below took: `repeats` runs in a row.
struct TimedRuns {
  WorkTime time;
  int repeats = 1;
};

// When it is enough.
class RunCount {
public:
  explicit RunCount(const Effort &effort) : effort_(effort) {}

  void add(double seconds, bool disturbed) {
    ++runs_;
    spent_ += seconds;
    if (!disturbed) {
      undisturbed_ += seconds;
      ++clean_;
    }
  }

  bool enough() const {
    if (effort_.runs > 0)
      return runs_ >= static_cast<std::size_t>(effort_.runs);
    return (clean_ >= least_runs && undisturbed_ >= effort_.seconds) ||
           (runs_ >= least_runs && spent_ >= 2 * effort_.seconds);
  }

private:
  const Effort &effort_;
  std::size_t runs_ = 0;
  std::size_t clean_ = 0; // those that are not disturbed
  double spent_ = 0;      // seconds
  double undisturbed_ = 0;
};

// Calls `sample`, which times runs on `threads` threads, for as long as `effort` says, and `peak` before each round and
// after the last. Throws Interrupted.
template <class Sample, class Peak>
void measure(const Effort &effort, int threads, Samples &samples, const Sample &sample, const Peak &peak) {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::milliseconds round{100};
  const MachineWatch watch;
  RunCount count(effort);
  DisturbedRuns disturbed_runs(threads, involuntary_switches());
  while (!count.enough()) {
    peak();
    const Clock::time_point begin = Clock::now();
    do {
      stop_if_interrupted();
      const TimedRuns timed = sample();
      const bool disturbed = disturbed_runs.is_disturbed(timed.time, involuntary_switches());
      count.add(timed.time.seconds, disturbed);
      const double each = 1e3 / timed.repeats;
      samples.runs.push_back({timed.time.seconds * each, timed.time.processor_seconds * each, disturbed});
    } while (!count.enough() && Clock::now() - begin < round);
  }
  peak();
  samples.machine = watch.elapsed();
  samples.settle(effort.runs > 0 ? 0 : least_runs, threads);
}

} // namespace intvit::cli
