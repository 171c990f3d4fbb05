// Drawings of what was measured, as SVG. The page's CSS brings the colours of their classes: see html_report.cpp.
#pragma once

#include <string>
#include <vector>

#include "cli/benchmark/measure.hpp"

namespace intvit::cli {

// How many times of a sample fall in each of equal parts of their range, which ends with the 99th percentile or twice
// as far beyond the 90th as that is from the least. What took longer is counted apart, or a single interruption would
// squeeze the rest into one part.
struct Histogram {
  double low = 0;
  double high = 0;
  std::vector<int> counts; // from 5 to 40
  int beyond = 0;
};
Histogram histogram(const Samples &samples);

// The class of the n-th operation's colour.
std::string colour(std::size_t operation);

// Bars of the histogram, and the share of runs that took no longer.
std::string latency_chart(const Samples &samples);

// One bar, cut by the operations' shares of the time.
std::string profile_chart(const ForwardResult &result);

// Rates over multiply-accumulates a byte, both logarithmic: of the model and of its operations that have products,
// below what the peak and the memory's bandwidth allow. Needs both.
std::string roofline_chart(const ForwardResult &result);

// A bar for every result's median, with its 99th percentile.
std::string comparison_chart(const std::vector<ForwardResult> &results);

} // namespace intvit::cli
