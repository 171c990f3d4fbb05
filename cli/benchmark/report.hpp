// Prints what was measured: as Markdown tables, JSON or CSV.
#pragma once

#include <string>
#include <vector>

#include "cli/benchmark/files.hpp"
#include "cli/benchmark/measure.hpp"

namespace intvit::cli {

enum class ReportFormat { markdown, json, csv };

void print_forward_results(const std::vector<ForwardResult> &results, ReportFormat format);

void print_files_results(const std::vector<FilesResult> &results, ReportFormat format);

// The shapes of one list on one instruction set.
struct ShapeList {
  std::string name; // the list's path
  std::string isa;
  std::string weights; // WeightChoice::text()
  std::vector<ShapeResult> results;
};

void print_shape_results(const std::vector<ShapeList> &lists, ReportFormat format);

} // namespace intvit::cli
