#include "cli/benchmark/tables.hpp"

#include "engine/container/utf8.hpp"
#include "kernels/dispatch.hpp"

namespace intvit::cli {

namespace {

// Followed by the rule below it where it is a table's first.
std::string row(const std::vector<std::string> &cells) {
  std::string text = "|";
  for (const std::string &cell : cells)
    text += ' ' + markdown_text(cell) + " |";
  return text + "\n";
}

// The name, and for an architecture its weights unless they are int8.
std::string name_with_weights(const Combination &measured) {
  return measured.weights.empty() || measured.weights == "int8" ? measured.name
                                                                : measured.name + ", " + measured.weights;
}

} // namespace

std::string markdown_text(const std::string &text) {
  std::string escaped;
  for (const char c : printable(text))
    escaped += (c == '|' || c == '<' || c == '[' ? "\\" : "") + std::string(1, c);
  return escaped;
}

std::string markdown(const Table &table) {
  std::string text = row(table.columns) + "|";
  for (std::size_t i = 0; i < table.columns.size(); ++i)
    text += i == 0 ? "---|" : "--:|";
  text += "\n";
  for (const std::vector<std::string> &cells : table.rows)
    text += row(cells);
  return text;
}

std::string title(const Combination &measured) {
  return name_with_weights(measured) + ", " + measured.isa + ", " + std::to_string(measured.threads) +
         (measured.threads == 1 ? " thread" : " threads") + ", batch " + std::to_string(measured.batch);
}

std::vector<std::string> identity_cells(const Combination &measured) {
  return {name_with_weights(measured), measured.isa, std::to_string(measured.threads), std::to_string(measured.batch)};
}

std::string peak_product(const std::string &isa) {
  return kernels::find_kernels(isa)->peak_product;
}

double images_per_second(const ForwardResult &result) {
  return result.batch * 1e3 / result.samples.median();
}

double gmac_per_s(const OperationTime &operation) {
  return operation.milliseconds > 0
             ? static_cast<double>(operation.multiply_accumulates) / operation.milliseconds * 1e-6
             : 0;
}

double intensity(std::int64_t multiply_accumulates, std::int64_t bytes) {
  return bytes > 0 ? static_cast<double>(multiply_accumulates) / static_cast<double>(bytes) : 0;
}

Table summary_table(const std::vector<ForwardResult> &results) {
  Table table{{"model", "isa", "threads", "batch", "median ms", "p90 ms", "p99 ms", "min ms", "images/s", "GMAC/s"},
              {}};
  const bool roofline = results.front().samples.peak() > 0;
  if (roofline)
    table.columns.insert(table.columns.end(), {"peak GMAC/s", "of peak", "memory GB/s"});
  for (const ForwardResult &result : results) {
    const Samples &samples = result.samples;
    std::vector<std::string> cells = identity_cells(result);
    for (const double time : {samples.median(), samples.quantile(0.90), samples.quantile(0.99), samples.quantile(0)})
      cells.push_back(fixed(time, 3));
    cells.push_back(fixed(images_per_second(result), 1));
    cells.push_back(fixed(samples.gmac_per_s(), 1));
    if (roofline)
      cells.insert(cells.end(), {fixed(samples.peak(), 1), percent(samples.gmac_per_s() / samples.peak()),
                                 fixed(samples.bandwidth(), 1)});
    table.rows.push_back(std::move(cells));
  }
  return table;
}

Table files_table(const std::vector<FilesResult> &results) {
  Table table{
      {"model", "isa", "threads", "batch", "files", "files/s", "read ms", "decode ms", "resize ms", "network ms"}, {}};
  for (const FilesResult &result : results) {
    std::vector<std::string> cells = identity_cells(result);
    cells.push_back(std::to_string(result.files));
    cells.push_back(fixed(result.files_per_second(), 1));
    const FileCosts &costs = result.costs;
    for (const double cost : {costs.read, costs.decode, costs.resize, costs.network})
      cells.push_back(fixed(cost, 3) + " (" + percent(cost / costs.sum()) + ")");
    table.rows.push_back(std::move(cells));
  }
  return table;
}

Table profile_table(const ForwardResult &result) {
  const double peak = result.samples.peak();
  Table table{{"operation", "calls", "ms", "time", "GMAC/s", "MAC/byte"}, {}};
  if (peak > 0)
    table.columns.insert(table.columns.end(), {"peak GMAC/s", "of peak"});
  for (const OperationTime &operation : result.profile) {
    std::vector<std::string> cells{operation.operation, std::to_string(operation.calls),
                                   fixed(operation.milliseconds, 3), percent(operation.share)};
    if (operation.multiply_accumulates > 0) {
      const double rate = gmac_per_s(operation);
      cells.push_back(fixed(rate, 1));
      cells.push_back(fixed(intensity(operation.multiply_accumulates, operation.bytes), 1));
      if (peak > 0)
        cells.insert(cells.end(), {fixed(peak, 1), percent(rate / peak)});
    }
    cells.resize(table.columns.size());
    table.rows.push_back(std::move(cells));
  }
  return table;
}

} // namespace intvit::cli
