#include "cli/benchmark/tables.hpp"

#include <algorithm>

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

// "1 thread", "2 threads"
std::string counted(int count, const std::string &what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

constexpr std::size_t identity_columns = 4;

bool any_disturbed(const std::vector<FilesResult> &results) {
  return std::any_of(results.begin(), results.end(), [](const FilesResult &result) { return result.disturbed; });
}

template <class Result> bool any_disturbed(const std::vector<Result> &results) {
  return std::any_of(results.begin(), results.end(), [](const Result &result) { return result.samples.disturbed; });
}

// How much of the processors' time others had, where that makes the figures wrong. It marks a disturbed result.
std::string lost_cell(bool disturbed, double lost) {
  return disturbed ? percent(lost, 0) : "";
}

std::string lost_cell(const Samples &samples) {
  return samples.unsteady ? "unsteady" : lost_cell(samples.disturbed, samples.lost);
}

std::string energy_cell(const Samples &samples, int batch) {
  const std::optional<double> joules = joules_per_image(samples, batch);
  return joules ? significant(*joules * 1e3) : "";
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
  return name_with_weights(measured) + ", " + measured.isa + ", " + counted(measured.threads, "thread") + ", batch " +
         std::to_string(measured.batch);
}

std::vector<std::string> identity_cells(const Combination &measured) {
  return {name_with_weights(measured), measured.isa, std::to_string(measured.threads), std::to_string(measured.batch)};
}

std::optional<double> joules_per_image(const Samples &samples, int batch) {
  if (!samples.machine.joules || samples.peak() > 0)
    return std::nullopt;
  const std::size_t runs = samples.runs.empty() ? samples.milliseconds.size() : samples.runs.size();
  return *samples.machine.joules / (static_cast<double>(runs) * batch);
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

std::string percentile_name(double percentile) {
  std::string digits = fixed(percentile, 3);
  digits.erase(digits.find_last_not_of('0') + 1);
  if (digits.back() == '.')
    digits.pop_back();
  return "p" + digits;
}

Table summary_table(const std::vector<ForwardResult> &results, const std::vector<double> &percentiles) {
  Table table{{"model", "isa", "threads", "batch", "median ms"}, {}, identity_columns};
  const bool disturbed = any_disturbed(results);
  if (disturbed)
    table.columns.push_back("lost");
  table.columns.insert(table.columns.end(), {"mean ms", "dev ms", "min ms"});
  for (const double percentile : percentiles)
    table.columns.push_back(percentile_name(percentile) + " ms");
  table.columns.insert(table.columns.end(), {"images/s", "GMAC/s"});
  const bool roofline = results.front().samples.peak() > 0;
  if (roofline)
    table.columns.push_back("of peak");
  for (const ForwardResult &result : results) {
    const Samples &samples = result.samples;
    std::vector<std::string> cells = identity_cells(result);
    cells.push_back(significant(samples.median()));
    if (disturbed)
      cells.push_back(lost_cell(samples));
    for (const double time : {samples.mean(), samples.deviation(), samples.quantile(0)})
      cells.push_back(significant(time));
    for (const double percentile : percentiles)
      cells.push_back(significant(samples.quantile(percentile / 100)));
    cells.push_back(significant(images_per_second(result)));
    cells.push_back(fixed(samples.gmac_per_s(), 1));
    if (roofline)
      cells.push_back(percent(samples.gmac_per_s() / samples.peak()));
    table.rows.push_back(std::move(cells));
  }
  return table;
}

Table start_table(const std::vector<ForwardResult> &results) {
  Table table{{"model", "isa", "threads", "batch", "file", "weights", "arena", "peak", "load ms", "first run ms"},
              {},
              identity_columns};
  const bool energy = joules_per_image(results.front().samples, results.front().batch).has_value();
  if (energy)
    table.columns.push_back("mJ/image");
  for (const ForwardResult &result : results) {
    const Start &start = result.start;
    std::vector<std::string> cells = identity_cells(result);
    for (const std::size_t bytes : {start.file_bytes, start.packed_bytes, start.arena_bytes})
      cells.push_back(megabytes(bytes));
    cells.push_back(start.peak_bytes ? megabytes(*start.peak_bytes) : "unknown");
    cells.push_back(significant(start.load_ms));
    cells.push_back(significant(start.session_ms + start.first_run_ms));
    if (energy)
      cells.push_back(energy_cell(result.samples, result.batch));
    table.rows.push_back(std::move(cells));
  }
  return table;
}

Table throughput_table(const std::vector<ThroughputResult> &results, const std::vector<double> &percentiles) {
  Table table{{"model", "isa", "sessions", "threads", "batch", "images/s"}, {}, identity_columns + 1};
  const bool disturbed = any_disturbed(results);
  if (disturbed)
    table.columns.push_back("lost");
  table.columns.push_back("median ms");
  for (const double percentile : percentiles)
    table.columns.push_back(percentile_name(percentile) + " ms");
  table.columns.insert(table.columns.end(), {"max ms", "arenas"});
  const bool energy = joules_per_image(results.front().samples, results.front().batch).has_value();
  if (energy)
    table.columns.push_back("mJ/image");
  for (const ThroughputResult &result : results) {
    const Samples &samples = result.samples;
    std::vector<std::string> cells = identity_cells(result);
    cells.insert(cells.begin() + 2, std::to_string(result.sessions));
    cells.push_back(significant(result.images_per_second));
    if (disturbed)
      cells.push_back(lost_cell(samples));
    cells.push_back(significant(samples.median()));
    for (const double percentile : percentiles)
      cells.push_back(significant(samples.quantile(percentile / 100)));
    cells.push_back(significant(samples.quantile(1)));
    cells.push_back(megabytes(result.arena_bytes));
    if (energy)
      cells.push_back(energy_cell(samples, result.batch));
    table.rows.push_back(std::move(cells));
  }
  return table;
}

std::vector<std::string> most_images(const std::vector<ThroughputResult> &results) {
  std::vector<std::string> names; // of models, in the order of the results
  for (const ThroughputResult &result : results)
    if (const std::string name = name_with_weights(result); std::find(names.begin(), names.end(), name) == names.end())
      names.push_back(name);
  const auto setting = [](const ThroughputResult &result) {
    return counted(result.sessions, "session") + ", " + result.isa + ", " + counted(result.threads, "thread") +
           ", batch " + std::to_string(result.batch);
  };
  std::vector<std::string> texts;
  for (const std::string &name : names) {
    const auto is_of_model = [&](const ThroughputResult &result) { return name_with_weights(result) == name; };
    const ThroughputResult *best = &*std::find_if(results.begin(), results.end(), is_of_model);
    for (const ThroughputResult &result : results)
      if (is_of_model(result) && result.images_per_second > best->images_per_second)
        best = &result;
    const ThroughputResult *soonest = best; // of those that take about as many
    for (const ThroughputResult &result : results)
      if (is_of_model(result) && result.images_per_second > 0.97 * best->images_per_second &&
          result.samples.median() < soonest->samples.median())
        soonest = &result;
    if (names.size() > 1)
      texts.push_back(name + ":");
    texts.push_back("Most images a second: " + significant(best->images_per_second) + " with " + setting(*best) + ".");
    if (soonest != best)
      texts.push_back("About as many, and the shortest runs: " + significant(soonest->images_per_second) + " with " +
                      setting(*soonest) + ".");
  }
  return texts;
}

Table files_table(const std::vector<FilesResult> &results) {
  Table table{
      {"model", "isa", "threads", "batch", "files", "files/s", "read ms", "decode ms", "resize ms", "network ms"},
      {},
      identity_columns};
  const bool disturbed = any_disturbed(results);
  if (disturbed)
    table.columns.push_back("lost");
  for (const FilesResult &result : results) {
    std::vector<std::string> cells = identity_cells(result);
    cells.push_back(std::to_string(result.files));
    cells.push_back(fixed(result.files_per_second(), 1));
    const FileCosts &costs = result.costs;
    for (const double cost : {costs.read, costs.decode, costs.resize, costs.network})
      cells.push_back(significant(cost) + " (" + percent(cost / costs.sum()) + ")");
    if (disturbed)
      cells.push_back(lost_cell(result.disturbed, result.lost));
    table.rows.push_back(std::move(cells));
  }
  return table;
}

Table profile_table(const ForwardResult &result) {
  const double peak = result.samples.peak();
  Table table{{"operation", "calls", "ms", "time", "GMAC/s", "MAC/byte"}, {}};
  if (peak > 0)
    table.columns.insert(table.columns.end(), {"peak GMAC/s", "of peak"});
  OperationTime all{.operation = "all"};
  const auto add = [&](const OperationTime &operation, const std::string &calls) {
    std::vector<std::string> cells{operation.operation, calls, significant(operation.milliseconds),
                                   percent(operation.share)};
    if (operation.multiply_accumulates > 0) {
      const double rate = gmac_per_s(operation);
      cells.push_back(fixed(rate, 1));
      cells.push_back(operation.bytes > 0 ? fixed(intensity(operation.multiply_accumulates, operation.bytes), 1) : "");
      if (peak > 0)
        cells.insert(cells.end(), {fixed(peak, 1), percent(rate / peak)});
    }
    cells.resize(table.columns.size());
    table.rows.push_back(std::move(cells));
  };
  for (const OperationTime &operation : result.profile) {
    add(operation, std::to_string(operation.calls));
    all.milliseconds += operation.milliseconds;
    all.share += operation.share;
    all.multiply_accumulates += operation.multiply_accumulates;
  }
  add(all, "");
  return table;
}

ShapesTotal total(const std::vector<ShapeResult> &results) {
  ShapesTotal sum;
  double least_seconds = 0;
  for (const ShapeResult &result : results) {
    const double gmac = static_cast<double>(result.samples.multiply_accumulates) * 1e-9 * result.shape.count;
    sum.milliseconds += result.samples.median() * result.shape.count;
    sum.gmac += gmac;
    if (result.samples.peak() > 0)
      least_seconds += gmac / result.samples.peak();
  }
  sum.peak = least_seconds > 0 ? sum.gmac / least_seconds : 0;
  return sum;
}

Table shapes_table(const ShapeList &list) {
  const ShapesTotal sum = total(list.results);
  Table table{{"rows", "out", "in", "count", "median ms", "dev ms", "GMAC/s"}, {}};
  if (sum.peak > 0)
    table.columns.insert(table.columns.end(), {"peak GMAC/s", "of peak"});
  const bool disturbed = any_disturbed(list.results);
  if (disturbed)
    table.columns.push_back("lost");
  const auto add = [&](std::vector<std::string> cells, double gmac_per_s, double peak) {
    cells.push_back(fixed(gmac_per_s, 1));
    if (sum.peak > 0)
      cells.insert(cells.end(), {fixed(peak, 1), percent(gmac_per_s / peak)});
    table.rows.push_back(std::move(cells));
  };
  for (const ShapeResult &result : list.results) {
    const Shape &shape = result.shape;
    const Samples &samples = result.samples;
    add({std::to_string(shape.rows), std::to_string(shape.out_features), std::to_string(shape.in_features),
         std::to_string(shape.count), significant(samples.median()), significant(samples.deviation())},
        samples.gmac_per_s(), samples.peak());
    if (disturbed)
      table.rows.back().push_back(lost_cell(samples));
  }
  add({"all", "", "", "", significant(sum.milliseconds), ""}, sum.gmac_per_s(), sum.peak);
  table.rows.back().resize(table.columns.size());
  return table;
}

} // namespace intvit::cli
