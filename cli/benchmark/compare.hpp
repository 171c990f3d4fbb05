// Is one build, or one day, faster than another? Verdicts that know noise.
#pragma once

#include <string>
#include <vector>

#include "cli/benchmark/measure.hpp"
#include "cli/benchmark/tables.hpp"

namespace intvit::cli {

// By how much one time differs from another, as a share of the other: 0.02 is 2 % more. True values are in the interval
// with a probability of 99 %, as far as repetitions tell.
struct Change {
  double value = 0;
  double low = 0;
  double high = 0;
};

// Half the width of the 99 % interval of a mean of `count` values with that standard deviation (Student's t). At least
// two values.
double mean_uncertainty(double deviation, std::size_t count);

// From pairs of times that were measured in turn: now[i] just after or before other[i]. At least two. A fifth of the
// pairs may be off to either side without harm.
Change paired_change(const std::vector<double> &now, const std::vector<double> &other);

// From the runs of two measurements at different times, in the order in which they were taken. A measurement is cut
// into ten parts, whose medians tell how much it drifts; a runs' spread alone would promise too much. Whatever the
// parts say, the interval is no narrower than `drift` to both sides, by which equal measurements at different times
// differ. At least two runs each.
Change unpaired_change(const std::vector<double> &now, const std::vector<double> &other);
inline constexpr double drift = 0.01;

// A difference that is sure but below this is of no interest.
inline constexpr double least_change = 0.003;

// "slower", "faster" or "same": whether the whole interval is beyond least_change.
std::string verdict(const Change &change);

struct Comparison : Combination {
  double now_ms = 0;
  double other_ms = 0;
  Change change;
  std::string verdict; // verdict(), or why there is none
  int pairs = 0;       // of measurements in turn; 0 where they were at different times
};

// Results beside those of the same name, weights, instruction set, threads and batch in a file that --format json made.
// Throws std::runtime_error that names the file where it is none.
std::vector<Comparison> compare_with(const std::string &path, const std::vector<ForwardResult> &results);

Table comparison_table(const std::vector<Comparison> &comparisons);

} // namespace intvit::cli
