#include "cli/benchmark/measure.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <new>
#include <numeric>
#include <optional>
#include <random>

#include "cli/benchmark/bandwidth.hpp"
#include "cli/benchmark/work.hpp"
#include "cli/command.hpp"
#include "cli/process.hpp"
#include "engine/threads/workers.hpp"
#include "models/random/random_integer.hpp"
#include "models/random/random_stlq.hpp"

namespace intvit::cli {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int least_runs = 5;
constexpr double round_seconds = 0.1; // between two samples of the peak

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// How fast `threads` threads multiply and accumulate when nothing holds them up. A sample consists of many short
// bursts, and of each thread the fastest burst counts. A short burst is rarely interrupted, and a ceiling must not
// depend on interruptions.
class PeakMeter {
public:
  PeakMeter(const kernels::KernelTable &kernels, int threads)
      : kernels_(kernels), workers_(threads), rates_(static_cast<std::size_t>(workers_.size())) {
    while (steps_ < most_steps && burst().seconds < burst_seconds)
      steps_ *= 2;
  }

  double gmac_per_s() {
    workers_.run(
        [](const Team &team, void *context) {
          auto &meter = *static_cast<PeakMeter *>(context);
          team.barrier();
          double best = 0;
          for (int i = 0; i < bursts; ++i) {
            const Burst burst = meter.burst();
            best = std::max(best, static_cast<double>(burst.multiply_accumulates) / burst.seconds);
          }
          meter.rates_[static_cast<std::size_t>(team.index)] = best;
        },
        this);
    return std::accumulate(rates_.begin(), rates_.end(), 0.0) * 1e-9;
  }

private:
  static constexpr int bursts = 20;
  static constexpr double burst_seconds = 0.25e-3;
  static constexpr std::int64_t most_steps = std::int64_t{1} << 40;

  struct Burst {
    std::int64_t multiply_accumulates = 0;
    double seconds = 0;
  };

  Burst burst() const {
    const Clock::time_point begin = Clock::now();
    const std::int64_t done = kernels_.peak(steps_);
    return {done, seconds_since(begin)};
  }

  const kernels::KernelTable &kernels_;
  Workers workers_;
  std::vector<double> rates_; // one for each thread
  std::int64_t steps_ = 1;    // of a burst
};

// Calls `sample`, which times one run and keeps the result, for as long as `effort` says, and `peak` before each round
// and after the last. Throws Interrupted.
template <class Sample, class Peak> void measure(const Effort &effort, const Sample &sample, const Peak &peak) {
  double spent = 0;
  int runs = 0;
  const auto enough = [&] {
    return effort.runs > 0 ? runs >= effort.runs : runs >= least_runs && spent >= effort.seconds;
  };
  while (!enough()) {
    peak();
    const Clock::time_point begin = Clock::now();
    const double before = spent;
    do {
      stop_if_interrupted();
      sample();
      ++runs;
      spent = before + seconds_since(begin);
    } while (!enough() && spent - before < round_seconds);
  }
  peak();
}

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

  std::vector<OperationTime> result() {
    double total = 0;
    for (std::size_t i = 0; i < operations_.size(); ++i)
      total += operations_[i].milliseconds = cli::median(times_[i]);
    for (OperationTime &operation : operations_)
      operation.share = operation.milliseconds / total;
    return operations_;
  }

private:
  std::vector<OperationTime> operations_;
  std::vector<std::size_t> operation_of_node_;
  std::vector<std::vector<double>> times_; // [operation][run]
};

// A matrix product's operands.
class Product {
public:
  Product(const Shape &shape, const WeightChoice &weights, const kernels::KernelTable &kernels, std::mt19937 &generator)
      : shape_(shape), format_(stored_format(weights.levels)), kernels_(kernels),
        input_(static_cast<std::size_t>(shape.rows) * static_cast<std::size_t>(shape.in_features)),
        scratch_(kernels.linear.formats[format_].scratch_bytes(shape.in_features)),
        output_(static_cast<std::size_t>(shape.rows) * static_cast<std::size_t>(shape.out_features)) {
    const auto out = static_cast<std::size_t>(shape.out_features);
    const std::vector<std::uint8_t> input = random_bytes(input_.size(), generator);
    if (input_.data() == nullptr || output_.data() == nullptr)
      throw std::bad_alloc();
    std::copy(input.begin(), input.end(), reinterpret_cast<std::uint8_t *>(input_.data()));
    // The outputs are to have a standard deviation of 32 codes; random bytes have 74.
    const bool stlq = format_ == kernels::WeightFormat::stlq;
    const bool int7 = weights.levels == WeightLevels::int7;
    const double spread = stlq ? random_stlq_spread(weights.two_word_ratio) : int7 ? int7_weight_spread : 74.0;
    const double factor = 32 / (74.0 * spread * std::sqrt(static_cast<double>(shape.in_features)));
    // The multiplier of a very narrow matrix would not fit 31 bits; its outputs then spread less.
    const auto multiplier_value = static_cast<std::int32_t>(std::min<double>(std::ldexp(factor, shift), INT32_MAX));
    const std::vector<std::int32_t> multiplier(out, multiplier_value);
    const std::vector<std::int64_t> offset(out, std::int64_t{1} << (shift - 1));
    const kernels::Requantization requantization{multiplier.data(), offset.data(), shift};
    if (stlq) {
      const StlqWeights words =
          random_stlq_weights(shape.out_features, shape.in_features, weights.two_word_ratio, generator);
      pack({.format = format_,
            .out_features = shape.out_features,
            .in_features = shape.in_features,
            .stlq = words.view()},
           requantization);
    } else if (int7) {
      const std::vector<std::int8_t> values =
          random_int7_weights(out * static_cast<std::size_t>(shape.in_features), generator);
      pack({.format = format_,
            .out_features = shape.out_features,
            .in_features = shape.in_features,
            .int8 = values.data()},
           requantization);
    } else {
      std::vector<std::uint8_t> bytes = random_bytes(out * static_cast<std::size_t>(shape.in_features), generator);
      std::replace(bytes.begin(), bytes.end(), std::uint8_t{0x80}, std::uint8_t{0}); // weights are never -128
      pack({.format = format_,
            .out_features = shape.out_features,
            .in_features = shape.in_features,
            .int8 = reinterpret_cast<const std::int8_t *>(bytes.data())},
           requantization);
    }
  }

  // Seconds of `repeats` products.
  double time(int repeats) {
    const kernels::LinearArgs args{.input = reinterpret_cast<const std::int8_t *>(input_.data()),
                                   .input_stride = shape_.in_features,
                                   .packed = packed_.data(),
                                   .weight_format = format_,
                                   .in_features = shape_.in_features,
                                   .out_features = shape_.out_features,
                                   .epilogue = kernels::Epilogue::requantize,
                                   .shift = shift,
                                   .output = output_.data(),
                                   .output_stride = shape_.out_features,
                                   .scratch = scratch_.data()};
    const Clock::time_point begin = Clock::now();
    for (int i = 0; i < repeats; ++i)
      kernels_.linear.run(args, {0, shape_.rows}, {0, shape_.out_features});
    return seconds_since(begin);
  }

private:
  static constexpr int shift = 40;

  void pack(const kernels::WeightsView &weights, const kernels::Requantization &requantization) {
    const kernels::PackedFormat &format = kernels_.linear.formats[format_];
    packed_ = AlignedBuffer(format.packed_bytes(weights));
    if (packed_.data() == nullptr)
      throw std::bad_alloc();
    format.pack(weights, requantization, packed_.data());
  }

  Shape shape_;
  kernels::WeightFormat format_;
  const kernels::KernelTable &kernels_;
  AlignedBuffer input_;
  AlignedBuffer scratch_;
  AlignedBuffer output_;
  AlignedBuffer packed_;
};

} // namespace

double median(std::vector<double> values) {
  if (values.empty())
    return 0;
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double Samples::quantile(double quantile) const {
  std::vector<double> sorted = milliseconds;
  std::sort(sorted.begin(), sorted.end());
  const double rank = std::ceil(quantile * static_cast<double>(sorted.size()));
  return sorted[static_cast<std::size_t>(std::max(1.0, rank)) - 1];
}

double Samples::median() const {
  return cli::median(milliseconds);
}

double Samples::gmac_per_s() const {
  return static_cast<double>(multiply_accumulates) / median() * 1e-6;
}

double Samples::peak() const {
  return cli::median(peak_gmac_per_s);
}

double Samples::bandwidth() const {
  return cli::median(bandwidth_gb_per_s);
}

Samples measure_forward(const std::shared_ptr<const Model> &model, int threads, int batch, const Effort &effort,
                        std::vector<OperationTime> *profile) {
  Session session =
      value_of(Session::create(model, {.threads = threads, .max_batch = batch, .profile = profile != nullptr}));
  std::mt19937 generator(1);
  const std::size_t image_bytes = model->program().values.front().bytes();
  const std::vector<std::uint8_t> pixels = random_bytes(image_bytes * static_cast<std::size_t>(batch), generator);
  std::vector<const std::uint8_t *> images;
  for (std::size_t i = 0; i < static_cast<std::size_t>(batch); ++i)
    images.push_back(pixels.data() + i * image_bytes);

  Samples samples;
  const Work work = model_work(*model);
  samples.multiply_accumulates = work.multiply_accumulates * batch;
  samples.bytes = work.bytes(batch);
  Profiler profiler(*model, batch);
  std::optional<PeakMeter> meter;
  std::optional<BandwidthMeter> bandwidth;
  if (effort.roofline) {
    meter.emplace(model->kernels(), threads);
    bandwidth.emplace(threads);
    samples.bandwidth_gb_per_s.push_back(bandwidth->gb_per_s());
  }
  // Not before the bandwidth was measured, which fills the caches with other data.
  for (int i = 0; i < effort.warmup; ++i) {
    stop_if_interrupted();
    require(session.run(images));
  }
  measure(
      effort,
      [&] {
        const Clock::time_point begin = Clock::now();
        const Status status = session.run(images);
        samples.milliseconds.push_back(seconds_since(begin) * 1e3);
        require(status);
        if (profile != nullptr)
          profiler.add(session.node_nanoseconds());
      },
      [&] {
        if (meter)
          samples.peak_gmac_per_s.push_back(meter->gmac_per_s());
      });
  if (bandwidth)
    samples.bandwidth_gb_per_s.push_back(bandwidth->gb_per_s());
  if (profile != nullptr)
    *profile = profiler.result();
  return samples;
}

std::vector<ShapeResult> measure_shapes(const std::vector<Shape> &shapes, const WeightChoice &weights,
                                        const kernels::KernelTable &kernels, const Effort &effort) {
  std::mt19937 generator(1);
  std::optional<PeakMeter> meter;
  if (effort.roofline)
    meter.emplace(kernels, 1);
  std::vector<ShapeResult> results;
  Effort each = effort;
  each.seconds = effort.seconds / static_cast<double>(shapes.size());
  for (const Shape &shape : shapes) {
    Product product(shape, weights, kernels, generator);
    // Enough products in a row that the clock's resolution, and the time to read it, do not matter.
    int repeats = 1;
    while (product.time(repeats) < 1e-4)
      repeats *= 2;
    for (int i = 0; i < effort.warmup; ++i)
      product.time(repeats);
    ShapeResult result{shape, {}};
    result.samples.multiply_accumulates = shape.multiply_accumulates();
    measure(
        each, [&] { result.samples.milliseconds.push_back(product.time(repeats) * 1e3 / repeats); },
        [&] {
          if (meter)
            result.samples.peak_gmac_per_s.push_back(meter->gmac_per_s());
        });
    results.push_back(std::move(result));
  }
  return results;
}

} // namespace intvit::cli
