#include <iostream>

#include "cli/benchmark/report.hpp"
#include "cli/benchmark/tables.hpp"
#include "cli/text.hpp"

namespace intvit::cli {

namespace {

using Cells = std::vector<std::string>;

const Cells identity_names{"model", "isa", "threads", "batch"};

Cells operator+(Cells cells, const Cells &more) {
  cells.insert(cells.end(), more.begin(), more.end());
  return cells;
}

void print_line(const Cells &cells) {
  std::cout << csv_line(cells);
}

// The peak, and the rate's share of it; empty where none was measured or nothing is computed.
Cells peak_cells(double gmac_per_s, double peak) {
  return peak > 0 && gmac_per_s > 0 ? Cells{fixed(peak, 3), fixed(gmac_per_s / peak, 4)} : Cells{"", ""};
}

const Cells disturbed_names{"disturbed", "lost_share"};

Cells disturbed_cells(bool disturbed, double lost) {
  return {disturbed ? "1" : "0", fixed(lost, 4)};
}

const Cells sample_names{"sample", "ms", "processor_ms", "disturbed", "counted"};

// A line a run.
void print_samples(const Cells &identity, const Samples &samples) {
  for (std::size_t i = 0; i < samples.runs.size(); ++i) {
    const Run &run = samples.runs[i];
    print_line(identity + Cells{std::to_string(i + 1), fixed(run.milliseconds, 6), fixed(run.processor_milliseconds, 6),
                                run.disturbed ? "1" : "0", run.counted ? "1" : "0"});
  }
}

void print_summaries(const std::vector<ForwardResult> &results, const Presentation &shown) {
  Cells percentiles;
  for (const double percentile : shown.percentiles)
    percentiles.push_back(percentile_name(percentile) + "_ms");
  print_line(identity_names + Cells{"runs", "median_ms", "mean_ms", "deviation_ms"} + percentiles +
             Cells{"min_ms", "images_per_s", "gmac_per_s", "peak_gmac_per_s", "share_of_peak", "load_ms",
                   "first_run_ms", "file_bytes", "packed_bytes", "arena_bytes", "peak_bytes"} +
             disturbed_names);
  for (const ForwardResult &result : results) {
    const Samples &samples = result.samples;
    const Start &start = result.start;
    Cells cells =
        identity_cells(result) + Cells{std::to_string(samples.milliseconds.size()), fixed(samples.median(), 6),
                                       fixed(samples.mean(), 6), fixed(samples.deviation(), 6)};
    for (const double percentile : shown.percentiles)
      cells.push_back(fixed(samples.quantile(percentile / 100), 6));
    print_line(
        cells +
        Cells{fixed(samples.quantile(0), 6), fixed(images_per_second(result), 3), fixed(samples.gmac_per_s(), 3)} +
        peak_cells(samples.gmac_per_s(), samples.peak()) +
        Cells{fixed(start.load_ms, 6), fixed(start.session_ms + start.first_run_ms, 6),
              std::to_string(start.file_bytes), std::to_string(start.packed_bytes), std::to_string(start.arena_bytes),
              start.peak_bytes ? std::to_string(*start.peak_bytes) : ""} +
        disturbed_cells(samples.disturbed, samples.lost));
  }
}

// A line for each operation, and one for the run of all of them.
void print_profiles(const std::vector<ForwardResult> &results) {
  print_line(identity_names +
             Cells{"operation", "calls", "median_ms", "share", "gmac_per_s", "peak_gmac_per_s", "share_of_peak"});
  for (const ForwardResult &result : results) {
    const double peak = result.samples.peak();
    for (const OperationTime &operation : result.profile) {
      const double rate = gmac_per_s(operation);
      print_line(identity_cells(result) +
                 Cells{operation.operation, std::to_string(operation.calls), fixed(operation.milliseconds, 6),
                       fixed(operation.share, 6), rate > 0 ? fixed(rate, 3) : ""} +
                 peak_cells(rate, peak));
    }
    print_line(identity_cells(result) +
               Cells{"run", "1", fixed(result.samples.median(), 6), "1", fixed(result.samples.gmac_per_s(), 3)} +
               peak_cells(result.samples.gmac_per_s(), peak));
  }
}

Cells shape_cells(const ShapeList &list, const Shape &shape) {
  return {list.name,
          list.isa,
          list.weights,
          std::to_string(shape.rows),
          std::to_string(shape.out_features),
          std::to_string(shape.in_features),
          std::to_string(shape.count)};
}

} // namespace

void print_as_csv(const std::vector<ForwardResult> &results, const Presentation &shown) {
  if (shown.samples) {
    print_line(identity_names + sample_names);
    for (const ForwardResult &result : results)
      print_samples(identity_cells(result), result.samples);
  } else if (!results.front().profile.empty()) {
    print_profiles(results);
  } else {
    print_summaries(results, shown);
  }
}

void print_as_csv(const std::vector<ThroughputResult> &results, const Presentation &shown) {
  const Cells names{"model", "isa", "sessions", "threads", "batch"};
  const auto identity = [](const ThroughputResult &result) {
    Cells cells = identity_cells(result);
    cells.insert(cells.begin() + 2, std::to_string(result.sessions));
    return cells;
  };
  if (shown.samples) {
    print_line(names + Cells{"sample", "ms"});
    for (const ThroughputResult &result : results)
      for (std::size_t i = 0; i < result.samples.milliseconds.size(); ++i)
        print_line(identity(result) + Cells{std::to_string(i + 1), fixed(result.samples.milliseconds[i], 6)});
    return;
  }
  Cells percentiles;
  for (const double percentile : shown.percentiles)
    percentiles.push_back(percentile_name(percentile) + "_ms");
  print_line(names + Cells{"runs", "images_per_s", "median_ms"} + percentiles + Cells{"max_ms", "arena_bytes"} +
             disturbed_names);
  for (const ThroughputResult &result : results) {
    const Samples &samples = result.samples;
    Cells cells = identity(result) + Cells{std::to_string(samples.milliseconds.size()),
                                           fixed(result.images_per_second, 3), fixed(samples.median(), 6)};
    for (const double percentile : shown.percentiles)
      cells.push_back(fixed(samples.quantile(percentile / 100), 6));
    print_line(cells + Cells{fixed(samples.quantile(1), 6), std::to_string(result.arena_bytes)} +
               disturbed_cells(samples.disturbed, samples.lost));
  }
}

void print_as_csv(const std::vector<FilesResult> &results, const Presentation &shown) {
  if (shown.samples) {
    print_line(identity_names + Cells{"pass", "seconds"});
    for (const FilesResult &result : results)
      for (std::size_t i = 0; i < result.seconds.size(); ++i)
        print_line(identity_cells(result) + Cells{std::to_string(i + 1), fixed(result.seconds[i], 6)});
    return;
  }
  print_line(identity_names +
             Cells{"files", "passes", "files_per_s", "read_ms", "decode_ms", "resize_ms", "network_ms"} +
             disturbed_names);
  for (const FilesResult &result : results)
    print_line(identity_cells(result) +
               Cells{std::to_string(result.files), std::to_string(result.seconds.size()),
                     fixed(result.files_per_second(), 3), fixed(result.costs.read, 6), fixed(result.costs.decode, 6),
                     fixed(result.costs.resize, 6), fixed(result.costs.network, 6)} +
               disturbed_cells(result.disturbed, result.lost));
}

void print_as_csv(const std::vector<ShapeList> &lists, const Presentation &shown) {
  const Cells names{"shapes", "isa", "weights", "rows", "out", "in", "count"};
  print_line(names + (shown.samples
                          ? sample_names
                          : Cells{"median_ms", "gmac_per_s", "peak_gmac_per_s", "share_of_peak"} + disturbed_names));
  for (const ShapeList &list : lists)
    for (const ShapeResult &result : list.results) {
      const Samples &samples = result.samples;
      if (shown.samples)
        print_samples(shape_cells(list, result.shape), samples);
      else
        print_line(shape_cells(list, result.shape) + Cells{fixed(samples.median(), 6), fixed(samples.gmac_per_s(), 3)} +
                   peak_cells(samples.gmac_per_s(), samples.peak()) + disturbed_cells(samples.disturbed, samples.lost));
    }
}

} // namespace intvit::cli
