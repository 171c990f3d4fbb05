// Drawings of what was measured, as SVG. Their colours are CSS classes, which the page defines (html_report.cpp).
#pragma once

#include <string>
#include <vector>

#include "cli/benchmark/compare.hpp"
#include "cli/benchmark/measure.hpp"

namespace intvit::cli {

// A histogram of a sample's times: their range is cut into equal parts, and the times in each part are counted. The
// range ends at the 99th percentile, and at the latest beyond the 90th by twice the distance between the 90th and the
// least. Longer times are counted apart, because a single interruption would squeeze all the others into one part.
struct Histogram {
  double low = 0;
  double high = 0;
  std::vector<int> counts; // from 5 to 40
  int beyond = 0;
};
Histogram histogram(const Samples &samples);

// The class of the n-th operation's colour.
std::string colour(std::size_t operation);

// The histogram as bars, with a line that shows which share of the runs took no longer than that.
std::string latency_chart(const Samples &samples);

// One bar, divided among the operations by their share of the time.
std::string profile_chart(const ForwardResult &result);

// The roofline: GMAC/s over multiply-accumulates for each byte moved, both on logarithmic axes, for the model and for
// its operations that have matrix products, below the limits that the peak and the memory's bandwidth set. Needs both.
std::string roofline_chart(const ForwardResult &result);

// A bar for the time that an image takes in every result, the median over the batch, with a line to the 99th
// percentile.
std::string comparison_chart(const std::vector<ForwardResult> &results);

// Two bars for each: the time of an image now and before. At least one comparison.
std::string pairs_chart(const std::vector<Comparison> &comparisons);

} // namespace intvit::cli
