#include <iostream>
#include <type_traits>
#include <utility>

#include <nlohmann/json.hpp>

#include "cli/benchmark/against.hpp"
#include "cli/benchmark/compare.hpp"
#include "cli/benchmark/report.hpp"
#include "cli/benchmark/tables.hpp"
#include "cli/text.hpp"

namespace intvit::cli {

namespace {

using nlohmann::json;

json known(const std::string &text) {
  return text.empty() ? json(nullptr) : json(text);
}

template <class Value> json known(const std::optional<Value> &value) {
  return value ? json(*value) : json(nullptr);
}

json to_json(const Environment &environment) {
  return {{"intvit", environment.version},
          {"commit", known(environment.commit)},
          {"compiler", environment.compiler},
          {"flags", environment.flags},
          {"processor", environment.processor},
          {"processors_online", environment.processors_online},
          {"threads_available", environment.threads_available},
          {"instruction_sets", environment.instruction_sets},
          {"caches", known(environment.caches)},
          {"governor", known(environment.governor)},
          {"system", environment.system}};
}

json to_json(const MachineUse &machine) {
  json object = {{"seconds", machine.time.seconds},
                 {"processor_seconds", machine.time.processor_seconds},
                 {"involuntary_switches", machine.involuntary_switches},
                 {"others_processors", known(machine.others)},
                 {"stolen_processors", known(machine.stolen)},
                 {"load_average", known(machine.load_average)},
                 {"joules", known(machine.joules)}};
  if (!machine.megahertz.empty())
    object["megahertz"] = machine.megahertz;
  return object;
}

// Adds the fields about samples that all kinds of results have.
void add_samples(json &object, const Samples &samples, const Presentation &shown) {
  object["samples_ms"] = samples.milliseconds;
  for (const Run &run : samples.runs) {
    object["processor_samples_ms"].push_back(run.processor_milliseconds);
    if (!run.counted)
      object["put_aside_ms"].push_back(run.milliseconds);
  }
  object["median_ms"] = samples.median();
  object["mean_ms"] = samples.mean();
  object["deviation_ms"] = samples.deviation();
  for (const double percentile : shown.percentiles)
    object[percentile_name(percentile) + "_ms"] = samples.quantile(percentile / 100);
  object["min_ms"] = samples.quantile(0);
  const double gmac = static_cast<double>(samples.multiply_accumulates) * 1e-9;
  object["gmac"] = gmac;
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
  object["disturbed"] = samples.disturbed;
  object["unsteady"] = samples.unsteady;
  object["lost_share"] = samples.lost;
  object["machine"] = to_json(samples.machine);
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

json to_json(const FilesResult &result, const Presentation &) {
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
  object["disturbed"] = result.disturbed;
  object["lost_share"] = result.lost;
  object["machine"] = to_json(result.machine);
  return object;
}

json to_json(const ForwardResult &result, const Presentation &shown) {
  json object = identity(result);
  object["images_per_s"] = images_per_second(result);
  add_samples(object, result.samples, shown);
  if (result.samples.peak() > 0)
    object["peak_product"] = peak_product(result.isa);
  const Start &start = result.start;
  object["load_ms"] = start.load_ms;
  object["session_ms"] = start.session_ms;
  object["first_run_ms"] = start.first_run_ms;
  object["joules_per_image"] = known(joules_per_image(result.samples, result.batch));
  object["bytes"] = {{"file", start.file_bytes},
                     {"packed", start.packed_bytes},
                     {"arena", start.arena_bytes},
                     {"peak", known(start.peak_bytes)}};
  for (const OperationTime &operation : result.profile) {
    json entry = {{"operation", operation.operation},
                  {"calls", operation.calls},
                  {"median_ms", operation.milliseconds},
                  {"share", operation.share},
                  {"gmac", static_cast<double>(operation.multiply_accumulates) * 1e-9},
                  {"gmac_per_s", gmac_per_s(operation)},
                  {"mac_per_byte", intensity(operation.multiply_accumulates, operation.bytes)}};
    object["profile"].push_back(std::move(entry));
  }
  return object;
}

json to_json(const ThroughputResult &result, const Presentation &shown) {
  json object = identity(result);
  object["sessions"] = result.sessions;
  object["images_per_s"] = result.images_per_second;
  add_samples(object, result.samples, shown);
  object["joules_per_image"] = known(joules_per_image(result.samples, result.batch));
  object["arena_bytes"] = result.arena_bytes;
  return object;
}

json to_json(const ShapeList &list, const Presentation &shown) {
  json object = {{"shapes", path_text(list.name)}, {"isa", list.isa}, {"weights", list.weights}, {"threads", 1}};
  for (const ShapeResult &result : list.results) {
    json entry = {{"rows", result.shape.rows},
                  {"out", result.shape.out_features},
                  {"in", result.shape.in_features},
                  {"count", result.shape.count}};
    add_samples(entry, result.samples, shown);
    object["products"].push_back(std::move(entry));
  }
  const ShapesTotal sum = total(list.results);
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

json to_json(const Comparison &comparison) {
  json object = identity(comparison);
  object["verdict"] = comparison.verdict;
  object["now_ms"] = comparison.now_ms;
  if (comparison.other_ms > 0) {
    object["other_ms"] = comparison.other_ms;
    object["change"] = comparison.change.value;
    object["change_interval_99"] = {comparison.change.low, comparison.change.high};
  }
  if (comparison.pairs > 0)
    object["pairs"] = comparison.pairs;
  return object;
}

json comparisons_json(const std::vector<Comparison> &comparisons) {
  json list = json::array();
  for (const Comparison &comparison : comparisons)
    list.push_back(to_json(comparison));
  return list;
}

// What stands beside the results.
json head(const Presentation &shown) {
  const Effort &effort = shown.effort;
  json object = {{"date", shown.info.date},
                 {"command", path_text(shown.info.command)},
                 {"environment", to_json(shown.info.environment)},
                 {"warmup", effort.warmup}};
  if (effort.runs > 0)
    object["runs"] = effort.runs;
  else
    object["seconds"] = effort.seconds;
  return object;
}

template <class Result> void print_all(const std::vector<Result> &results, const Presentation &shown) {
  json object = head(shown);
  object["results"] = json::array();
  for (const Result &result : results)
    object["results"].push_back(to_json(result, shown));
  if constexpr (std::is_same_v<Result, ForwardResult>)
    if (!shown.compare.empty())
      object["comparison"] = comparisons_json(compare_with(shown.compare, results));
  std::cout << json_text(object, 2) << "\n";
}

} // namespace

void print_as_json(const std::vector<ForwardResult> &results, const Presentation &shown) {
  print_all(results, shown);
}

void print_as_json(const Duel &duel, const std::string &program, const Presentation &shown) {
  json object = head(shown);
  object["now"] = duel.now;
  object["other"] = {{"program", path_text(program)}, {"version", duel.other}};
  object["comparison"] = comparisons_json(duel.comparisons);
  std::cout << json_text(object, 2) << "\n";
}

void print_as_json(const std::vector<ThroughputResult> &results, const Presentation &shown) {
  print_all(results, shown);
}

void print_as_json(const std::vector<FilesResult> &results, const Presentation &shown) {
  print_all(results, shown);
}

void print_as_json(const std::vector<ShapeList> &lists, const Presentation &shown) {
  print_all(lists, shown);
}

} // namespace intvit::cli
