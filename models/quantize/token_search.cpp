#include "models/quantize/token_search.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "models/parallel.hpp"
#include "models/program/text.hpp"
#include "models/reference/forward.hpp"

namespace intvit {

namespace {

constexpr double tolerance = 0.005; // of the speed-up, by which a schedule may miss it

double speed_up_of(const Network &network, const TokenSchedule &schedule) {
  Network merged = network;
  merge_tokens(merged, schedule);
  return static_cast<double>(multiply_accumulates(network)) / static_cast<double>(multiply_accumulates(merged));
}

// The blocks that may merge: all but the last, behind which most heads read few rows and the others' mean is taken.
int merging_blocks(const Network &network) {
  return network.blocks() - 1;
}

// A schedule of weights a block, of which block b merges share * weights[b] of what it may, or as many as there are.
TokenSchedule scaled_schedule(const Network &network, const std::vector<double> &weights, double share, double spared) {
  TokenSchedule schedule{{}, spared};
  const int prefix = network.embedding.prefix_tokens;
  int tokens = network.common.patches(); // that may merge or be spared
  for (const double weight : weights) {
    const int important = prefix > 0 ? static_cast<int>(spared * tokens) : 0;
    const int pairs = std::min(static_cast<int>(std::lround(share * weight)), (tokens - important) / 2);
    schedule.pairs.push_back(pairs);
    tokens -= pairs;
  }
  return schedule;
}

// With the share that gives the speed-up; none where even the largest does not.
std::optional<TokenSchedule> with_speed_up(const Network &network, const std::vector<double> &weights, double spared,
                                           double speed_up) {
  double low = 0;
  double high = network.common.patches();
  if (speed_up_of(network, scaled_schedule(network, weights, high, spared)) < speed_up * (1 - tolerance))
    return std::nullopt;
  for (int step = 0; step < 30; ++step) {
    const double share = (low + high) / 2;
    (speed_up_of(network, scaled_schedule(network, weights, share, spared)) < speed_up ? low : high) = share;
  }
  return scaled_schedule(network, weights, high, spared);
}

// Weights that are 0 before block `first` and then run from `begin` to `end`.
std::vector<double> slope(int blocks, int first, double begin, double end) {
  std::vector<double> weights(static_cast<std::size_t>(blocks));
  for (int block = first; block < blocks; ++block)
    weights[static_cast<std::size_t>(block)] =
        begin + (end - begin) * (block - first) / std::max(1, blocks - 1 - first);
  return weights;
}

// Compares outputs with those of the unmerged model, image by image.
class Judge {
public:
  Judge(const FloatModel &model, std::span<const Image> images, int threads)
      : network_(network(model)), images_(images), threads_(threads), outputs_(images.size()) {
    parallel_for(threads_, images_.size(),
                 [&](std::size_t i, std::size_t) { outputs_[i] = reference::forward(network_, images_[i]); });
  }

  double error(const TokenSchedule &schedule) const {
    Network merged = network_;
    merge_tokens(merged, schedule);
    std::vector<double> errors(images_.size());
    std::vector<double> variances(images_.size());
    parallel_for(threads_, images_.size(), [&](std::size_t i, std::size_t) {
      const std::vector<float> outputs = reference::forward(merged, images_[i]);
      // What all logits have in common decides nothing.
      const double shift = mean(outputs) - mean(outputs_[i]);
      const double middle = network_.end.classes > 1 ? mean(outputs_[i]) : 0;
      for (std::size_t k = 0; k < outputs.size(); ++k) {
        const double before = outputs_[i][k];
        const double difference = outputs[k] - before - (network_.end.classes > 1 ? shift : 0);
        errors[i] += difference * difference;
        variances[i] += (before - middle) * (before - middle);
      }
    });
    double error = 0;
    double variance = 1e-30;
    for (std::size_t i = 0; i < errors.size(); ++i) {
      error += errors[i];
      variance += variances[i];
    }
    return error / variance;
  }

  const Network &unmerged() const { return network_; }

private:
  static double mean(const std::vector<float> &values) {
    double sum = 0;
    for (const float value : values)
      sum += static_cast<double>(value);
    return sum / static_cast<double>(values.size());
  }

  Network network_;
  std::span<const Image> images_;
  int threads_;
  std::vector<std::vector<float>> outputs_;
};

// As many images of either half as take about this many multiply-accumulates together.
std::size_t images_to_use(const Network &network, std::size_t images) {
  constexpr double work = 30e9;
  const auto wanted = static_cast<std::size_t>(work / static_cast<double>(multiply_accumulates(network)));
  return std::min(images, std::clamp<std::size_t>(wanted, 12, 32));
}

// The best schedule so far, and the weights of which it was made.
struct Best {
  std::vector<double> weights;
  TokenSchedule schedule;
  double error = INFINITY;
};

} // namespace

double merging_error(const FloatModel &model, const TokenSchedule &schedule, std::span<const Image> images,
                     int threads) {
  return Judge(model, images, threads).error(schedule);
}

TokenSchedule usual_schedule(const Network &network, double speed_up) {
  const int blocks = merging_blocks(network);
  for (const int first : {blocks / 3, blocks / 6, 0})
    if (auto schedule = with_speed_up(network, slope(blocks, first, 1, 1), TokenSchedule{}.spared, speed_up))
      return *schedule;
  throw std::runtime_error("merging tokens cannot make the model " + fixed(speed_up, 2) + " times as fast");
}

TokenSearch search_tokens(const FloatModel &model, std::span<const Image> images, double speed_up, int threads,
                          const std::function<void(int step, int total)> &progress) {
  const Network unmerged = network(model);
  usual_schedule(unmerged, speed_up); // says what is impossible
  const std::size_t count = images_to_use(unmerged, images.size());
  // Spread over all images; every second one is kept to judge.
  std::vector<Image> chosen;
  std::vector<Image> kept;
  for (std::size_t i = 0; i < 2 * count; ++i)
    (i % 2 == 0 ? chosen : kept).push_back(images[i * images.size() / (2 * count)]);
  const Judge judge(model, chosen, threads);
  const int blocks = merging_blocks(unmerged);
  const int total = 12 + 4 + 2 * blocks;
  int step = 0;
  Best best;
  const auto consider = [&](const std::vector<double> &weights, double spared) {
    if (progress)
      progress(step, total);
    ++step;
    const auto schedule = with_speed_up(unmerged, weights, spared, speed_up);
    if (!schedule)
      return false;
    const double error = judge.error(*schedule);
    if (error >= best.error)
      return false;
    best = {weights, *schedule, error};
    return true;
  };
  const TokenSchedule usual;
  const double spared = usual.spared;
  // From which block on, and more at the beginning, at the end or the same everywhere.
  for (const int first : {0, blocks / 6, blocks / 3, blocks / 2})
    for (const auto &[begin, end] : {std::pair(1.0, 1.0), {2.0, 0.5}, {0.5, 2.0}})
      consider(slope(blocks, first, begin, end), spared);
  if (best.schedule.pairs.empty())
    throw std::runtime_error("merging tokens cannot make the model " + fixed(speed_up, 2) + " times as fast");
  if (unmerged.embedding.prefix_tokens > 0)
    for (const double part : {0.1, 0.2, 0.4, 0.5})
      consider(best.weights, part);
  // Half as many or half as many more in one block, and the other blocks scaled to make up for it.
  for (int block = blocks - 1; block >= 0; --block)
    for (const double factor : {1.5, 0.5}) {
      std::vector<double> weights = best.weights;
      double &weight = weights[static_cast<std::size_t>(block)];
      weight = factor > 1 ? std::max(weight * factor, 0.25) : weight * factor;
      if (consider(weights, best.schedule.spared))
        break;
    }
  return {best.schedule, speed_up_of(unmerged, best.schedule), Judge(model, kept, threads).error(best.schedule)};
}

} // namespace intvit
