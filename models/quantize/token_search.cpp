#include "models/quantize/token_search.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
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

// Block b merges share * weights[b] of the tokens that may merge, or half of them where that is more.
TokenSchedule scaled_schedule(const Network &network, const std::vector<double> &weights, double share) {
  TokenSchedule schedule;
  int tokens = network.common.patches(); // that may merge
  for (const double weight : weights) {
    schedule.pairs.push_back(static_cast<int>(std::lround(std::min(share * weight, 0.5) * (tokens - 1))));
    tokens -= schedule.pairs.back();
  }
  return schedule;
}

// With the share that gives the speed-up; none where even the largest does not.
std::optional<TokenSchedule> with_speed_up(const Network &network, const std::vector<double> &weights,
                                           double speed_up) {
  double low = 0;
  double high = 1;
  for (const double weight : weights)
    if (weight > 0)
      high = std::max(high, 1 / weight);
  if (speed_up_of(network, scaled_schedule(network, weights, high)) < speed_up * (1 - tolerance))
    return std::nullopt;
  for (int step = 0; step < 30; ++step) {
    const double share = (low + high) / 2;
    (speed_up_of(network, scaled_schedule(network, weights, share)) < speed_up ? low : high) = share;
  }
  return scaled_schedule(network, weights, high);
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
      : network_(network(model)), threads_(threads), embedded_(images.size()), middles_(images.size()),
        outputs_(images.size()) {
    parallel_for(threads_, images.size(), [&](std::size_t i, std::size_t) {
      embedded_[i].rows = reference::embed(network_, reference::extract_patches(network_.common, images[i]));
      middles_[i] = embedded_[i];
      run_blocks(network_, 0, middle_block(), middles_[i]);
      outputs_[i] = outputs(network_, middle_block(), middles_[i]);
    });
  }

  double error(const TokenSchedule &schedule) const {
    Network merged = network_;
    merge_tokens(merged, schedule);
    // What no merging has changed is not computed again.
    const auto unchanged = [&](int block) {
      const auto begin = schedule.pairs.begin();
      const auto end = begin + std::min<std::ptrdiff_t>(block, std::ssize(schedule.pairs));
      return std::all_of(begin, end, [](int pairs) { return pairs == 0; });
    };
    const bool late = unchanged(middle_block());
    std::vector<double> errors(outputs_.size());
    std::vector<double> variances(outputs_.size());
    parallel_for(threads_, outputs_.size(), [&](std::size_t i, std::size_t) {
      const std::vector<float> outputs =
          late ? this->outputs(merged, middle_block(), middles_[i]) : this->outputs(merged, 0, embedded_[i]);
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

private:
  int middle_block() const { return network_.blocks() / 4; }

  static void run_blocks(const Network &network, int begin, int end, reference::TokenStream &stream) {
    for (int block = begin; block < end; ++block) {
      const auto &part = std::get<BlockPart>(network.body[static_cast<std::size_t>(block)]);
      reference::block_forward(part.config, *part.weights, part.merging, stream);
    }
  }

  // Of a stream that enters a block.
  static std::vector<float> outputs(const Network &network, int block, reference::TokenStream stream) {
    run_blocks(network, block, network.blocks(), stream);
    const RowVector result = reference::classify(network, stream);
    return {result.data(), result.data() + result.size()};
  }

  static double mean(const std::vector<float> &values) {
    double sum = 0;
    for (const float value : values)
      sum += static_cast<double>(value);
    return sum / static_cast<double>(values.size());
  }

  Network network_;
  int threads_;
  std::vector<reference::TokenStream> embedded_; // what enters the first block, of each image
  std::vector<reference::TokenStream> middles_;  // and middle_block(), if nothing has been merged
  std::vector<std::vector<float>> outputs_;
};

// As many images of either half as take about this many multiply-accumulates together.
std::size_t images_to_use(const Network &network, std::size_t images) {
  constexpr double work = 150e9;
  const auto wanted = static_cast<std::size_t>(work / static_cast<double>(multiply_accumulates(network)));
  return std::min(images, std::clamp<std::size_t>(wanted, 12, 128));
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
    if (auto schedule = with_speed_up(network, slope(blocks, first, 1, 1), speed_up))
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
  const std::vector<double> factors{1.6, 1 / 1.6, 1.25, 1 / 1.25};
  const int total = 12 + static_cast<int>(factors.size()) * blocks;
  int step = 0;
  Best best;
  const auto consider = [&](const std::vector<double> &weights) {
    if (progress)
      progress(step, total);
    ++step;
    const auto schedule = with_speed_up(unmerged, weights, speed_up);
    if (!schedule || schedule->pairs == best.schedule.pairs)
      return false;
    const double error = judge.error(*schedule);
    if (error >= best.error)
      return false;
    best = {weights, *schedule, error};
    return true;
  };
  // From which block on, and more at the beginning, at the end or the same everywhere.
  for (const int first : {0, blocks / 6, blocks / 3, blocks / 2})
    for (const auto &[begin, end] : {std::pair(1.0, 1.0), {2.0, 0.5}, {0.5, 2.0}})
      consider(slope(blocks, first, begin, end));
  if (best.schedule.pairs.empty())
    throw std::runtime_error("merging tokens cannot make the model " + fixed(speed_up, 2) + " times as fast");
  // More or fewer in one block, and the other blocks scaled to make up for it.
  for (std::size_t i = 0; i < factors.size(); i += 2)
    for (int block = blocks - 1; block >= 0; --block)
      for (std::size_t k = i; k < i + 2; ++k) {
        std::vector<double> weights = best.weights;
        double &weight = weights[static_cast<std::size_t>(block)];
        weight = factors[k] > 1 ? std::max(weight * factors[k], 0.15) : weight * factors[k];
        if (consider(weights))
          break;
      }
  return {best.schedule, speed_up_of(unmerged, best.schedule), Judge(model, kept, threads).error(best.schedule)};
}

} // namespace intvit
