#include "cli/benchmark/measure.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>

#include "cli/benchmark/bandwidth.hpp"
#include "cli/benchmark/memory.hpp"
#include "cli/benchmark/peak_meter.hpp"
#include "cli/benchmark/work.hpp"
#include "cli/command.hpp"

namespace intvit::cli {

namespace {

std::vector<std::uint8_t> random_bytes(std::size_t count, std::mt19937 &generator) {
  std::vector<std::uint8_t> bytes(count);
  for (std::uint8_t &byte : bytes)
    byte = static_cast<std::uint8_t>(generator() >> 24);
  return bytes;
}

// Adds up the times of nodes that are the same operation, for every run.
class Profiler {
public:
  Profiler(const Model &model, int batch) {
    const Program &program = model.program();
    for (std::size_t i = 0; i < program.nodes.size(); ++i) {
      const std::string name = operation_name(program.nodes[i]);
      const auto found = std::find_if(operations_.begin(), operations_.end(),
                                      [&](const OperationTime &operation) { return operation.operation == name; });
      operation_of_node_.push_back(static_cast<std::size_t>(found - operations_.begin()));
      if (found == operations_.end())
        operations_.push_back({.operation = name});
      OperationTime &operation = operations_[operation_of_node_.back()];
      ++operation.calls;
      const Work work = node_work(model, i);
      operation.multiply_accumulates += work.multiply_accumulates * batch;
      operation.bytes += work.bytes(batch);
    }
    times_.resize(operations_.size());
  }

  void add(std::span<const std::int64_t> node_nanoseconds) {
    for (std::vector<double> &time : times_)
      time.push_back(0);
    for (std::size_t i = 0; i < node_nanoseconds.size(); ++i)
      times_[operation_of_node_[i]].back() += static_cast<double>(node_nanoseconds[i]) * 1e-6;
  }

  // Of the runs that count.
  std::vector<OperationTime> result(const std::vector<Run> &runs) {
    double total = 0;
    for (std::size_t i = 0; i < operations_.size(); ++i) {
      std::vector<double> counted;
      for (std::size_t run = 0; run < runs.size(); ++run)
        if (runs[run].counted)
          counted.push_back(times_[i][run]);
      total += operations_[i].milliseconds = cli::median(counted);
    }
    for (OperationTime &operation : operations_)
      operation.share = operation.milliseconds / total;
    return operations_;
  }

private:
  std::vector<OperationTime> operations_;
  std::vector<std::size_t> operation_of_node_;
  std::vector<std::vector<double>> times_; // [operation][run]
};

// Unknown where one of them is.
std::optional<std::size_t> larger(const std::optional<std::size_t> &a, const std::optional<std::size_t> &b) {
  return a && b ? std::max(a, b) : std::nullopt;
}

} // namespace

ForwardResult measure_forward(const LoadedModel &loaded, const Combination &combination, const Effort &effort,
                              bool profile) {
  const std::shared_ptr<const Model> &model = loaded.model;
  const int batch = combination.batch;
  ForwardResult result{combination, {}, loaded.start, {}};
  const PeakMemory memory;
  const Stopwatch stopwatch;
  Session session =
      value_of(Session::create(model, {.threads = combination.threads, .max_batch = batch, .profile = profile}));
  result.start.session_ms = stopwatch.elapsed().seconds * 1e3;
  result.start.arena_bytes = session.arena_bytes();
  std::mt19937 generator(1);
  const std::size_t image_bytes = model->program().values.front().bytes();
  const std::vector<std::uint8_t> pixels = random_bytes(image_bytes * static_cast<std::size_t>(batch), generator);
  std::vector<const std::uint8_t *> images;
  for (std::size_t i = 0; i < static_cast<std::size_t>(batch); ++i)
    images.push_back(pixels.data() + i * image_bytes);

  Samples &samples = result.samples;
  const Work work = model_work(*model);
  samples.multiply_accumulates = work.multiply_accumulates * batch;
  samples.bytes = work.bytes(batch);
  const auto run = [&] {
    const Stopwatch running;
    const Status status = session.run(images);
    const WorkTime time = running.elapsed();
    require(status);
    return time;
  };
  result.start.first_run_ms = run().seconds * 1e3;
  result.start.peak_bytes = larger(result.start.peak_bytes, memory.bytes());
  Profiler profiler(*model, batch);
  std::optional<PeakMeter> meter;
  std::optional<BandwidthMeter> bandwidth;
  if (effort.roofline) {
    meter.emplace(model->kernels(), combination.threads);
    bandwidth.emplace(combination.threads);
    samples.bandwidth_gb_per_s.push_back(bandwidth->gb_per_s());
  }
  // Not before the bandwidth was measured, which fills the caches with other data.
  for (int i = 0; i < effort.warmup; ++i) {
    stop_if_interrupted();
    run();
  }
  measure(
      effort, session.threads(), samples,
      [&] {
        const WorkTime time = run();
        if (profile)
          profiler.add(session.node_nanoseconds());
        return TimedRuns{time};
      },
      [&] {
        if (meter)
          samples.peak_gmac_per_s.push_back(meter->gmac_per_s());
      });
  if (bandwidth)
    samples.bandwidth_gb_per_s.push_back(bandwidth->gb_per_s());
  if (profile)
    result.profile = profiler.result(samples.runs);
  return result;
}

} // namespace intvit::cli
