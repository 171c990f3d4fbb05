// Prints what was measured: as text for a terminal, Markdown, JSON or CSV.
#pragma once

#include <string>
#include <vector>

#include "cli/benchmark/environment.hpp"
#include "cli/benchmark/files.hpp"
#include "cli/benchmark/measure.hpp"
#include "cli/benchmark/throughput.hpp"

namespace intvit::cli {

enum class ReportFormat { text, markdown, json, csv };

// The shapes of one list on one instruction set.
struct ShapeList {
  std::string name; // the list's path
  std::string isa;
  std::string weights; // WeightChoice::text()
  std::vector<ShapeResult> results;
};

// How results are shown.
struct Presentation {
  ReportFormat format = ReportFormat::markdown;
  std::vector<double> percentiles{90, 99};
  bool samples = false; // CSV: a line a run instead of a line a result
  RunInfo info;
  Effort effort;
  std::string compare; // a file of earlier results to compare with; empty: none
};

void print_results(const std::vector<ForwardResult> &results, const Presentation &shown);
void print_results(const std::vector<ThroughputResult> &results, const Presentation &shown);
void print_results(const std::vector<FilesResult> &results, const Presentation &shown);
void print_results(const std::vector<ShapeList> &lists, const Presentation &shown);

// The same as JSON and as CSV.
void print_as_json(const std::vector<ForwardResult> &results, const Presentation &shown);
void print_as_json(const std::vector<ThroughputResult> &results, const Presentation &shown);
void print_as_json(const std::vector<FilesResult> &results, const Presentation &shown);
void print_as_json(const std::vector<ShapeList> &lists, const Presentation &shown);
void print_as_csv(const std::vector<ForwardResult> &results, const Presentation &shown);
void print_as_csv(const std::vector<ThroughputResult> &results, const Presentation &shown);
void print_as_csv(const std::vector<FilesResult> &results, const Presentation &shown);
void print_as_csv(const std::vector<ShapeList> &lists, const Presentation &shown);

// A line on stderr where results are disturbed, that says by how much and what to do.
void report_disturbed(const std::vector<ForwardResult> &results);
void report_disturbed(const std::vector<ThroughputResult> &results);
void report_disturbed(const std::vector<FilesResult> &results);
void report_disturbed(const std::vector<ShapeList> &lists);

} // namespace intvit::cli
