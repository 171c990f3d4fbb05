// Results as tables of text, which every form of report shows in its own way.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/benchmark/files.hpp"
#include "cli/benchmark/measure.hpp"
#include "cli/benchmark/report.hpp"
#include "models/program/text.hpp"

namespace intvit::cli {

struct Table {
  std::vector<std::string> columns; // the first is text, the rest are mostly numbers
  std::vector<std::vector<std::string>> rows;
  std::size_t keys = 1; // columns that say what a row is about
};

// Text of others inside Markdown: on one line, and neither HTML nor a link nor a cell's end.
std::string markdown_text(const std::string &text);
std::string markdown(const Table &table);

// "deit_tiny_patch16_224, avx512vnni, 2 threads, batch 1"
std::string title(const Combination &measured);
// Model, instruction set, threads, batch.
std::vector<std::string> identity_cells(const Combination &measured);

// Of the runs; absent where the system does not tell, or where they were not alone with it (with a peak beside them).
std::optional<double> joules_per_image(const Samples &samples, int batch);

// What the peak of an instruction set of this machine counts.
std::string peak_product(const std::string &isa);

double images_per_second(const ForwardResult &result);
double gmac_per_s(const OperationTime &operation);
// Multiply-accumulates for every byte moved; 0 where there are none.
double intensity(std::int64_t multiply_accumulates, std::int64_t bytes);

// "p90", "p99.9"
std::string percentile_name(double percentile);

// One row for each result. Where any is disturbed there is a column "lost": how much of the processors' time others
// had, or that its times are unsteady.
Table summary_table(const std::vector<ForwardResult> &results, const std::vector<double> &percentiles);
// Likewise: what it takes until the first answer, and in memory.
Table start_table(const std::vector<ForwardResult> &results);
// One row for each result; and in lines of text which settings give most images a second of each model, and which give
// about as many (within 3 %) in the shortest runs.
Table throughput_table(const std::vector<ThroughputResult> &results, const std::vector<double> &percentiles);
std::vector<std::string> most_images(const std::vector<ThroughputResult> &results);
Table files_table(const std::vector<FilesResult> &results);
// One row for each operation, and one for all.
Table profile_table(const ForwardResult &result);
// One row for each product, and one for all.
Table shapes_table(const ShapeList &list);

// The sum over all shapes of a list, each taken as many times as its count says.
struct ShapesTotal {
  double milliseconds = 0;
  double gmac = 0;
  double peak = 0; // the rate if every product reached the peak that was measured with it; 0 without peaks

  double gmac_per_s() const { return gmac / milliseconds * 1e3; }
};
ShapesTotal total(const std::vector<ShapeResult> &results);

} // namespace intvit::cli
