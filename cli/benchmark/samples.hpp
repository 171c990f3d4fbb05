// Times of equal runs, and what can be said of them.
#pragma once

#include <cstdint>
#include <vector>

#include "cli/benchmark/machine_use.hpp"

namespace intvit::cli {

double median(std::vector<double> values);
double mean(const std::vector<double> &values);
double deviation(const std::vector<double> &values); // of a sample; 0 of fewer than two

// The value that a share of the values (0..1) does not exceed (nearest rank). At least one value.
double quantile(std::vector<double> values, double share);

// The median of equal runs is at most 2 % above their fastest tenth where nobody else works. Where others use the same
// caches and memory, or the clock changes, it is more, though every run had a processor for itself.
inline constexpr double steady_spread = 0.04;

struct Run {
  double milliseconds = 0;
  double processor_milliseconds = 0; // of all threads together
  bool disturbed = false;            // other programs had a part of the processors
  bool counted = true;               // the figures are made of it
};

// Figures are of the runs that count. Disturbed runs are put aside where enough others are left; where they are not,
// all count and the result is marked.
struct Samples {
  std::vector<Run> runs;                  // in the order in which they were taken
  std::vector<double> milliseconds;       // of those that count
  double lost = 0;                        // the part of the processors' time that others had in all runs, 0..1
  bool disturbed = false;                 // more than a tenth of the runs that count are, or:
  bool unsteady = false;                  // the median is above the fastest tenth by more than `steady_spread`
  MachineUse machine;                     // from the first run to the last
  std::vector<double> peak_gmac_per_s;    // empty without Effort::roofline
  std::vector<double> bandwidth_gb_per_s; // of memory, before and after a model's runs; empty without roofline
  std::int64_t multiply_accumulates = 0;  // of one run
  std::int64_t bytes = 0;                 // that one run of a model must move at least: weights, images, logits

  // After the last run: decides which count. `least`: how many there must be at least for others to be put aside; 0:
  // none are put aside.
  void settle(std::size_t least, int threads);

  double quantile(double share) const;
  double median() const;
  double spread() const; // the part by which the median is above the 10th percentile
  double mean() const;
  double deviation() const;
  double processor_milliseconds() const; // the median of all runs
  double gmac_per_s() const;             // at the median time
  double peak() const;                   // the median; 0 without samples
  double bandwidth() const;              // the median; 0 without samples
};

} // namespace intvit::cli
