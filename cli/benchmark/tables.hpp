// Results as tables of text, which every form of report shows in its own way.
#pragma once

#include <string>
#include <vector>

#include "cli/benchmark/files.hpp"
#include "cli/benchmark/measure.hpp"
#include "models/program/text.hpp"

namespace intvit::cli {

struct Table {
  std::vector<std::string> columns; // the first is text, the rest are mostly numbers
  std::vector<std::vector<std::string>> rows;
};

// Text of others inside Markdown: on one line, and neither HTML nor a link nor a cell's end.
std::string markdown_text(const std::string &text);
std::string markdown(const Table &table);

// "deit_tiny_patch16_224, avx512vnni, 2 threads, batch 1"
std::string title(const Combination &measured);
// Model, instruction set, threads, batch.
std::vector<std::string> identity_cells(const Combination &measured);

// What the peak of an instruction set of this machine counts.
std::string peak_product(const std::string &isa);

double images_per_second(const ForwardResult &result);
double gmac_per_s(const OperationTime &operation);
// Multiply-accumulates for every byte moved; 0 where there are none.
double intensity(std::int64_t multiply_accumulates, std::int64_t bytes);

// One row for each result.
Table summary_table(const std::vector<ForwardResult> &results);
Table files_table(const std::vector<FilesResult> &results);
// One row for each operation.
Table profile_table(const ForwardResult &result);

} // namespace intvit::cli
