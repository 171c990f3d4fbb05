// A report of what was measured, to keep and to show: one file, in HTML with drawings or in Markdown.
#pragma once

#include <string>
#include <vector>

#include "cli/benchmark/compare.hpp"
#include "cli/benchmark/environment.hpp"
#include "cli/benchmark/measure.hpp"

namespace intvit::cli {

struct Report {
  RunInfo info;
  std::vector<double> percentiles;
  std::vector<ForwardResult> results;  // with profile, peak and bandwidth
  std::string compared_with;           // the file of earlier results
  std::vector<Comparison> comparisons; // with those of the file; empty without one
};

// The text below every roofline: how its limits were measured and how to read it.
extern const char *const roofline_explanation;

// Why shares of the peak can be above 100 %; empty where none is.
std::string above_peak_text(const ForwardResult &result);

// What "from", "to" and "same" mean in a comparison.
extern const char *const comparison_explanation;

// The text below a result's title: how many runs, how long they took, and the limits that were measured.
std::string samples_text(const ForwardResult &result);

std::string html_report(const Report &report);
std::string markdown_report(const Report &report);

// Before measuring: throws UsageError where the path ends neither in .html nor in .md, and std::runtime_error where it
// cannot be written.
void check_report_path(const std::string &path);

// Writes the report in the form of the path's ending. Throws std::runtime_error that names the file.
void write_report(const std::string &path, const Report &report);

} // namespace intvit::cli
