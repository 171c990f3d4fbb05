#include "cli/benchmark/report.hpp"

#include <iostream>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "cli/benchmark/environment.hpp"
#include "cli/benchmark/tables.hpp"
#include "cli/command.hpp"
#include "cli/text.hpp"
#include "engine/container/utf8.hpp"

namespace intvit::cli {

namespace {

using nlohmann::json;

json to_json(const Environment &environment) {
  const auto known = [](const std::string &text) { return text.empty() ? json(nullptr) : json(text); };
  return {{"intvit", environment.version},
          {"processor", environment.processor},
          {"processors_online", environment.processors_online},
          {"threads_available", environment.threads_available},
          {"instruction_sets", environment.instruction_sets},
          {"caches", known(environment.caches)},
          {"governor", known(environment.governor)},
          {"system", environment.system},
          {"compiler", environment.compiler}};
}

double gmac(const Samples &samples) {
  return static_cast<double>(samples.multiply_accumulates) * 1e-9;
}

void print_environment() {
  const Environment here = environment();
  std::cout << "intvit " << here.version << " (" << here.compiler << ") on " << here.processor << "\n\n";
}

// Adds the fields about samples that all kinds of results have.
void add_samples(json &object, const Samples &samples) {
  object["samples_ms"] = samples.milliseconds;
  object["median_ms"] = samples.median();
  object["p90_ms"] = samples.quantile(0.90);
  object["p99_ms"] = samples.quantile(0.99);
  object["min_ms"] = samples.quantile(0);
  object["gmac"] = gmac(samples);
  object["gmac_per_s"] = samples.gmac_per_s();
  if (!samples.peak_gmac_per_s.empty()) {
    object["peak_samples_gmac_per_s"] = samples.peak_gmac_per_s;
    object["peak_gmac_per_s"] = samples.peak();
    object["share_of_peak"] = samples.gmac_per_s() / samples.peak();
  }
  if (!samples.bandwidth_gb_per_s.empty()) {
    object["bandwidth_samples_gb_per_s"] = samples.bandwidth_gb_per_s;
    object["bandwidth_gb_per_s"] = samples.bandwidth();
    object["mac_per_byte"] = intensity(samples.multiply_accumulates, samples.bytes);
  }
}

// The rate and, where there is a peak, the peak and the rate's share of it.
std::vector<std::string> rate_cells(double gmac_per_s, double peak) {
  std::vector<std::string> cells{fixed(gmac_per_s, 1)};
  if (peak > 0) {
    cells.push_back(fixed(peak, 1));
    cells.push_back(percent(gmac_per_s / peak));
  }
  return cells;
}

std::vector<std::string> operator+(std::vector<std::string> cells, const std::vector<std::string> &more) {
  cells.insert(cells.end(), more.begin(), more.end());
  return cells;
}

json identity(const Combination &measured) {
  json object = {{measured.is_architecture ? "arch" : "model", path_text(measured.name)},
                 {"isa", measured.isa},
                 {"threads", measured.threads},
                 {"batch", measured.batch}};
  if (measured.is_architecture)
    object["weights"] = measured.weights;
  return object;
}

json to_json(const FilesResult &result) {
  json object = identity(result);
  object["files"] = result.files;
  object["passes_s"] = result.seconds;
  object["files_per_s"] = result.files_per_second();
  const FileCosts &costs = result.costs;
  for (const auto &[step, cost] : {std::pair{"read", costs.read},
                                   {"decode", costs.decode},
                                   {"resize", costs.resize},
                                   {"network", costs.network}}) {
    object["ms"][step] = cost;
    object["share"][step] = cost / costs.sum();
  }
  return object;
}

json to_json(const ForwardResult &result) {
  json object = identity(result);
  object["images_per_s"] = images_per_second(result);
  add_samples(object, result.samples);
  if (result.samples.peak() > 0)
    object["peak_product"] = peak_product(result.isa);
  for (const OperationTime &operation : result.profile)
    object["profile"].push_back({{"operation", operation.operation},
                                 {"calls", operation.calls},
                                 {"median_ms", operation.milliseconds},
                                 {"share", operation.share},
                                 {"gmac", static_cast<double>(operation.multiply_accumulates) * 1e-9},
                                 {"gmac_per_s", gmac_per_s(operation)},
                                 {"mac_per_byte", intensity(operation.multiply_accumulates, operation.bytes)}});
  return object;
}

// A line for each instruction set whose peak was measured.
template <class Result> void print_peak_products(const std::vector<Result> &results) {
  std::set<std::string> told;
  for (const Result &result : results)
    if (told.insert(result.isa).second)
      std::cout << "\nPeak of " << result.isa << ": " << peak_product(result.isa) << ".\n";
}

void print_forward_markdown(const std::vector<ForwardResult> &results) {
  print_environment();
  std::cout << markdown(summary_table(results));
  if (results.front().samples.peak() > 0)
    print_peak_products(results);
  for (const ForwardResult &result : results)
    if (!result.profile.empty())
      std::cout << "\n" << markdown_text(title(result)) << ":\n\n" << markdown(profile_table(result));
}

// Shares and peaks are empty where none was measured. Results with profiles get a line for each operation.
void print_forward_csv(const std::vector<ForwardResult> &results) {
  const auto peak_cells = [](double gmac_per_s, double peak) {
    return peak > 0 ? std::vector<std::string>{fixed(peak, 3), fixed(gmac_per_s / peak, 4)}
                    : std::vector<std::string>{"", ""};
  };
  const bool profile = !results.front().profile.empty();
  std::cout << (profile ? "model,isa,threads,batch,operation,calls,median_ms,share,gmac_per_s,peak_gmac_per_s,"
                          "share_of_peak\n"
                        : "model,isa,threads,batch,runs,median_ms,p90_ms,p99_ms,min_ms,images_per_s,gmac_per_s,"
                          "peak_gmac_per_s,share_of_peak\n");
  for (const ForwardResult &result : results) {
    const Samples &samples = result.samples;
    if (!profile)
      std::cout << csv_line(identity_cells(result) +
                            std::vector<std::string>{std::to_string(samples.milliseconds.size()),
                                                     fixed(samples.median(), 6), fixed(samples.quantile(0.90), 6),
                                                     fixed(samples.quantile(0.99), 6), fixed(samples.quantile(0), 6),
                                                     fixed(images_per_second(result), 3),
                                                     fixed(samples.gmac_per_s(), 3)} +
                            peak_cells(samples.gmac_per_s(), samples.peak()));
    for (const OperationTime &operation : result.profile)
      std::cout << csv_line(identity_cells(result) +
                            std::vector<std::string>{operation.operation, std::to_string(operation.calls),
                                                     fixed(operation.milliseconds, 6), fixed(operation.share, 6),
                                                     fixed(gmac_per_s(operation), 3)} +
                            peak_cells(gmac_per_s(operation), samples.peak()));
  }
}

void print_files_csv(const std::vector<FilesResult> &results) {
  std::cout << "model,isa,threads,batch,files,passes,files_per_s,read_ms,decode_ms,resize_ms,network_ms\n";
  for (const FilesResult &result : results)
    std::cout << csv_line(identity_cells(result) +
                          std::vector<std::string>{std::to_string(result.files), std::to_string(result.seconds.size()),
                                                   fixed(result.files_per_second(), 3), fixed(result.costs.read, 6),
                                                   fixed(result.costs.decode, 6), fixed(result.costs.resize, 6),
                                                   fixed(result.costs.network, 6)});
}

// The sum over all shapes of a list, each taken as many times as its count says.
struct Total {
  double milliseconds = 0;
  double gmac = 0;
  double peak = 0; // the rate if every product reached the peak that was measured with it; 0 without peaks

  double gmac_per_s() const { return gmac / milliseconds * 1e3; }
};

Total total(const std::vector<ShapeResult> &results) {
  Total sum;
  double least_seconds = 0;
  for (const ShapeResult &result : results) {
    sum.milliseconds += result.samples.median() * result.shape.count;
    sum.gmac += gmac(result.samples) * result.shape.count;
    if (result.samples.peak() > 0)
      least_seconds += gmac(result.samples) * result.shape.count / result.samples.peak();
  }
  sum.peak = least_seconds > 0 ? sum.gmac / least_seconds : 0;
  return sum;
}

std::vector<std::string> shape_cells(const Shape &shape) {
  return {std::to_string(shape.rows), std::to_string(shape.out_features), std::to_string(shape.in_features),
          std::to_string(shape.count)};
}

json to_json(const ShapeList &list) {
  json object = {{"shapes", path_text(list.name)}, {"isa", list.isa}, {"weights", list.weights}, {"threads", 1}};
  for (const ShapeResult &result : list.results) {
    json entry = {{"rows", result.shape.rows},
                  {"out", result.shape.out_features},
                  {"in", result.shape.in_features},
                  {"count", result.shape.count}};
    add_samples(entry, result.samples);
    object["products"].push_back(std::move(entry));
  }
  const Total sum = total(list.results);
  object["median_ms"] = sum.milliseconds;
  object["gmac"] = sum.gmac;
  object["gmac_per_s"] = sum.gmac_per_s();
  if (sum.peak > 0) {
    object["peak_gmac_per_s"] = sum.peak;
    object["peak_product"] = peak_product(list.isa);
    object["share_of_peak"] = sum.gmac_per_s() / sum.peak;
  }
  return object;
}

void print_shapes_markdown(const std::vector<ShapeList> &lists) {
  print_environment();
  for (std::size_t i = 0; i < lists.size(); ++i) {
    const ShapeList &list = lists[i];
    const Total sum = total(list.results);
    std::cout << (i > 0 ? "\n" : "") << markdown_text(list.name) << ", " << list.isa << ", " << list.weights
              << ", 1 thread:\n\n";
    Table table{{"rows", "out", "in", "count", "median ms", "GMAC/s"}, {}};
    if (sum.peak > 0)
      table.columns.insert(table.columns.end(), {"peak GMAC/s", "of peak"});
    for (const ShapeResult &result : list.results)
      table.rows.push_back(shape_cells(result.shape) + std::vector<std::string>{fixed(result.samples.median(), 4)} +
                           rate_cells(result.samples.gmac_per_s(), result.samples.peak()));
    table.rows.push_back(std::vector<std::string>{"all", "", "", "", fixed(sum.milliseconds, 4)} +
                         rate_cells(sum.gmac_per_s(), sum.peak));
    std::cout << markdown(table);
  }
  if (total(lists.front().results).peak > 0)
    print_peak_products(lists);
}

void print_shapes_csv(const std::vector<ShapeList> &lists) {
  std::cout << "shapes,isa,weights,rows,out,in,count,median_ms,gmac_per_s,peak_gmac_per_s,share_of_peak\n";
  for (const ShapeList &list : lists)
    for (const ShapeResult &result : list.results) {
      const double rate = result.samples.gmac_per_s();
      const double peak = result.samples.peak();
      std::cout << csv_line(std::vector<std::string>{list.name, list.isa, list.weights} + shape_cells(result.shape) +
                            std::vector<std::string>{fixed(result.samples.median(), 6), fixed(rate, 3),
                                                     peak > 0 ? fixed(peak, 3) : "",
                                                     peak > 0 ? fixed(rate / peak, 4) : ""});
    }
}

template <class Result> void print_json(const std::vector<Result> &results) {
  json object = {{"environment", to_json(environment())}, {"results", json::array()}};
  for (const Result &result : results)
    object["results"].push_back(to_json(result));
  std::cout << json_text(object, 2) << "\n";
}

} // namespace

void print_forward_results(const std::vector<ForwardResult> &results, ReportFormat format) {
  if (format == ReportFormat::json)
    print_json(results);
  else if (format == ReportFormat::csv)
    print_forward_csv(results);
  else
    print_forward_markdown(results);
}

void print_files_results(const std::vector<FilesResult> &results, ReportFormat format) {
  if (format == ReportFormat::json) {
    print_json(results);
  } else if (format == ReportFormat::csv) {
    print_files_csv(results);
  } else {
    print_environment();
    std::cout << markdown(files_table(results));
  }
}

void print_shape_results(const std::vector<ShapeList> &lists, ReportFormat format) {
  if (format == ReportFormat::json)
    print_json(lists);
  else if (format == ReportFormat::csv)
    print_shapes_csv(lists);
  else
    print_shapes_markdown(lists);
}

} // namespace intvit::cli
