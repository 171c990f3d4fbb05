#include "models/inspect/distribution.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>

#include "models/evaluate/dataset.hpp"
#include "models/inspect/attention_rows.hpp"
#include "models/inspect/observed_run.hpp"
#include "models/inspect/streams.hpp"

namespace intvit {

namespace {

// What one thread has seen.
struct Seen {
  std::vector<StreamRanges> streams;
  std::vector<WeightHistogram> blocks;
};

// Rows of values, one a channel.
void widen(StreamRanges &ranges, std::span<const double> values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t c = i % ranges.low.size();
    ranges.low[c] = std::min(ranges.low[c], values[i]);
    ranges.high[c] = std::max(ranges.high[c], values[i]);
  }
}

// Either may have seen nothing.
void widen(StreamRanges &ranges, const StreamRanges &other) {
  for (std::size_t c = 0; c < ranges.low.size(); ++c) {
    ranges.low[c] = std::min(ranges.low[c], other.low[c]);
    ranges.high[c] = std::max(ranges.high[c], other.high[c]);
  }
}

class Watcher {
public:
  explicit Watcher(const Model &model)
      : program_(model.program()), streams_(residual_streams(program_)), nodes_(attention_nodes(program_)) {}

  std::vector<int> values() const {
    std::vector<int> result;
    for (const Stream &stream : streams_)
      result.push_back(stream.value);
    for (const std::size_t node : nodes_)
      result.push_back(program_.nodes[node].input());
    return result;
  }

  Seen nothing() const {
    Seen seen;
    for (const Stream &stream : streams_) {
      const auto channels = static_cast<std::size_t>(stream.columns);
      seen.streams.push_back({stream.name, std::vector<double>(channels, std::numeric_limits<double>::infinity()),
                              std::vector<double>(channels, -std::numeric_limits<double>::infinity()), stream.alpha});
    }
    for (const std::size_t node : nodes_)
      seen.blocks.emplace_back().name = program_.nodes[node].name;
    return seen;
  }

  void look(const ObservedRun &run, Seen &seen) const {
    for (std::size_t i = 0; i < streams_.size(); ++i)
      widen(seen.streams[i], streams_[i].dequantize(run.value(streams_[i].value)));
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      const BoundNode &node = program_.nodes[nodes_[i]];
      for_each_attention_row(*node.as<BoundAttention>(), run.value(node.input()),
                             [&](int, int, std::span<const std::int32_t> weights, std::uint32_t divisor) {
                               for (const std::int32_t weight : weights)
                                 seen.blocks[i].add(static_cast<double>(weight) / divisor);
                             });
    }
  }

private:
  const Program &program_;
  std::vector<Stream> streams_;
  std::vector<std::size_t> nodes_;
};

void merge(const Seen &other, Seen &seen) {
  for (std::size_t i = 0; i < seen.streams.size(); ++i)
    widen(seen.streams[i], other.streams[i]);
  for (std::size_t i = 0; i < seen.blocks.size(); ++i)
    seen.blocks[i].add(other.blocks[i]);
}

} // namespace

double StreamRanges::spread() const {
  std::vector<double> widths;
  widths.reserve(low.size());
  for (std::size_t c = 0; c < low.size(); ++c)
    widths.push_back(high[c] - low[c]);
  std::sort(widths.begin(), widths.end());
  const double median = widths[widths.size() / 2];
  return median > 0 ? widths.back() / median : std::numeric_limits<double>::infinity();
}

void WeightHistogram::add(double weight) {
  if (weight <= 0) {
    ++zeros;
    return;
  }
  const double bin = std::clamp(std::floor(-std::log2(weight)), 0.0, static_cast<double>(log2_bins - 1));
  ++count[static_cast<std::size_t>(bin)];
  sum[static_cast<std::size_t>(bin)] += static_cast<std::uint64_t>(std::llround(std::ldexp(weight, 32)));
}

void WeightHistogram::add(const WeightHistogram &other) {
  for (std::size_t bin = 0; bin < log2_bins; ++bin) {
    count[bin] += other.count[bin];
    sum[bin] += other.sum[bin];
  }
  zeros += other.zeros;
}

std::uint64_t WeightHistogram::total() const {
  return std::accumulate(count.begin(), count.end(), zeros);
}

double WeightHistogram::share_below(std::size_t bin) const {
  const std::uint64_t below = std::accumulate(count.begin() + static_cast<std::ptrdiff_t>(bin), count.end(), zeros);
  return total() > 0 ? static_cast<double>(below) / static_cast<double>(total()) : 0;
}

Distribution distribution(const std::shared_ptr<const Model> &model, std::span<const std::string> images,
                          const Recipe &recipe, int threads, const std::function<void(std::size_t)> &progress) {
  const Watcher watcher(*model);
  std::vector<ObservedRun> runs;
  std::vector<Seen> seen;
  for (int thread = 0; thread < threads; ++thread) {
    runs.emplace_back(model, watcher.values());
    seen.push_back(watcher.nothing());
  }
  Distribution result;
  result.errors = for_each_image(
      images, recipe, model->kernels(), threads,
      [&](std::size_t, const Image &image, std::size_t thread) {
        runs[thread].run(image);
        watcher.look(runs[thread], seen[thread]);
      },
      [&](std::size_t done) {
        progress(done);
        return true;
      });
  std::erase(result.errors, "");
  result.images = images.size() - result.errors.size();
  for (std::size_t thread = 1; thread < seen.size(); ++thread)
    merge(seen[thread], seen[0]);
  result.streams = std::move(seen[0].streams);
  result.blocks = std::move(seen[0].blocks);
  return result;
}

} // namespace intvit
