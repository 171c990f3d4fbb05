#include "models/quantize/token_search.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <numeric>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "models/program/text.hpp"
#include "models/quantize/merging_judge.hpp"

namespace intvit {

namespace {

constexpr double tolerance = 0.005; // of the speed-up, by which a schedule may miss it

// Of the tokens that may merge, the part that each block merges, half at most.
using Shares = std::vector<double>;

double speed_up_of(const Network &network, const TokenSchedule &schedule) {
  Network merged = network;
  merge_tokens(merged, schedule);
  return static_cast<double>(multiply_accumulates(network)) / static_cast<double>(multiply_accumulates(merged));
}

// The blocks that may merge: all but the last, behind which most heads read few rows and the others' mean is taken.
int merging_blocks(const Network &network) {
  return network.blocks() - 1;
}

TokenSchedule schedule_of(const Network &network, const Shares &shares) {
  TokenSchedule schedule;
  int tokens = network.common.patches(); // that may merge
  for (const double share : shares) {
    schedule.pairs.push_back(static_cast<int>(std::lround(std::min(share, 0.5) * (tokens - 1))));
    tokens -= schedule.pairs.back();
  }
  return schedule;
}

Shares shares_of(const Network &network, const TokenSchedule &schedule) {
  Shares shares;
  int tokens = network.common.patches();
  for (const int pairs : schedule.pairs) {
    shares.push_back(static_cast<double>(pairs) / (tokens - 1));
    tokens -= pairs;
  }
  return shares;
}

// With the shares scaled to give the speed-up, all but that of block `kept`; none where even the largest do not.
std::optional<TokenSchedule> with_speed_up(const Network &network, const Shares &shares, double speed_up,
                                           int kept = -1) {
  const auto scaled = [&](double factor) {
    Shares result = shares;
    for (std::size_t block = 0; block < result.size(); ++block)
      if (static_cast<int>(block) != kept)
        result[block] *= factor;
    return schedule_of(network, result);
  };
  double low = 0;
  double high = 1;
  for (const double share : shares)
    if (share > 0)
      high = std::max(high, 1 / share);
  if (speed_up_of(network, scaled(high)) < speed_up * (1 - tolerance))
    return std::nullopt;
  for (int step = 0; step < 30; ++step) {
    const double factor = (low + high) / 2;
    (speed_up_of(network, scaled(factor)) < speed_up ? low : high) = factor;
  }
  return scaled(high);
}

// Shares that are 0 before block `first` and then run from `begin` to `end`.
Shares slope(int blocks, int first, double begin, double end) {
  Shares shares(static_cast<std::size_t>(blocks));
  for (int block = first; block < blocks; ++block)
    shares[static_cast<std::size_t>(block)] = begin + (end - begin) * (block - first) / std::max(1, blocks - 1 - first);
  return shares;
}

std::runtime_error too_much(double speed_up) {
  return std::runtime_error("merging tokens cannot make the model " + fixed(speed_up, 2) + " times as fast");
}

// As many images of either half as take about this many multiply-accumulates together.
std::size_t images_to_use(const Network &network, std::size_t images) {
  constexpr double work = 5e11;
  const auto wanted = static_cast<std::size_t>(work / static_cast<double>(multiply_accumulates(network)));
  return std::min((images + 1) / 2, std::clamp<std::size_t>(wanted, 12, 250));
}

Image mirrored(const Image &image) {
  Image result = image;
  for (int y = 0; y < image.height; ++y) {
    std::uint8_t *row = result.rgb.data() + static_cast<std::size_t>(y) * result.row_bytes();
    for (std::ptrdiff_t left = 0, right = image.width - 1; left < right; ++left, --right)
      std::swap_ranges(row + left * 3, row + left * 3 + 3, row + right * 3);
  }
  return result;
}

class Search {
public:
  // `progress` is called with the number of each step.
  Search(const Network &network, const MergingJudge &judge, double speed_up, std::function<void(int step)> progress)
      : network_(network), judge_(judge), speed_up_(speed_up), blocks_(merging_blocks(network)),
        progress_(std::move(progress)) {}

  // At most.
  static int steps_of(const Network &network) {
    return slopes + 2 * rounds * static_cast<int>(changes.size()) * merging_blocks(network);
  }

  TokenSchedule run() {
    // From which block on, and more at the beginning, at the end or the same everywhere.
    for (const int first : {0, blocks_ / 6, blocks_ / 3, blocks_ / 2})
      for (const auto &[begin, end] : {std::pair(1.0, 1.0), {2.0, 0.5}, {0.5, 2.0}})
        consider(with_speed_up(network_, slope(blocks_, first, begin, end), speed_up_));
    if (best_.pairs.empty())
      throw too_much(speed_up_);
    for (const double change : changes)
      for (int round = 0; round < rounds; ++round) {
        bool better = false;
        for (int block = blocks_ - 1; block >= 0; --block)
          better = move(block, change) || better;
        if (!better)
          break;
      }
    return best_;
  }

private:
  static constexpr int slopes = 12;
  static constexpr std::array changes{0.4, 0.25, 0.15, 0.1}; // of a block's pairs
  static constexpr int rounds = 2;                           // of each, if the first one finds something

  // More or fewer pairs in a block, and the others scaled to make up for it. Whether either is the best so far.
  bool move(int block, double part) {
    const auto index = static_cast<std::size_t>(block);
    const int pairs = best_.pairs[index];
    const int change = std::max(2, static_cast<int>(std::lround(part * std::max(pairs, 12))));
    for (const int moved : {pairs + change, std::max(0, pairs - change)}) {
      if (moved == pairs)
        continue;
      TokenSchedule schedule = best_;
      schedule.pairs[index] = moved;
      if (consider(with_speed_up(network_, shares_of(network_, schedule), speed_up_, block)))
        return true;
    }
    return false;
  }

  // Whether it is the best so far.
  bool consider(const std::optional<TokenSchedule> &schedule) {
    progress_(step_++);
    if (!schedule || speed_up_of(network_, *schedule) < speed_up_ * (1 - tolerance) ||
        !seen_.insert(schedule->pairs).second)
      return false;
    std::optional<std::vector<double>> errors = judge_.errors(*schedule, best_errors_);
    if (!errors)
      return false;
    best_ = *schedule;
    best_errors_ = std::move(*errors);
    return true;
  }

  const Network &network_;
  const MergingJudge &judge_;
  double speed_up_;
  int blocks_;
  std::function<void(int step)> progress_;
  int step_ = 0;
  std::set<std::vector<int>> seen_;
  TokenSchedule best_;
  std::vector<double> best_errors_;
};

} // namespace

TokenSchedule usual_schedule(const Network &network, double speed_up) {
  const int blocks = merging_blocks(network);
  for (const int first : {blocks / 3, blocks / 6, 0})
    if (auto schedule = with_speed_up(network, slope(blocks, first, 1, 1), speed_up))
      return *schedule;
  throw too_much(speed_up);
}

TokenSearch search_tokens(const QuantizeInput &input, const QuantizeOptions &options, double speed_up,
                          const Progress &progress) {
  const Network unmerged = network(input.model);
  usual_schedule(unmerged, speed_up); // says what is impossible
  // Spread over all images; every second one is kept to judge. Mirrored they are as many others.
  const std::size_t count = images_to_use(unmerged, input.calibration.size());
  std::vector<Image> chosen;
  std::vector<Image> kept;
  for (std::size_t i = 0; i < 2 * count; ++i) {
    const Image &image = input.calibration[i * input.calibration.size() / (2 * count)];
    std::vector<Image> &half = i % 2 == 0 ? chosen : kept;
    half.push_back(image);
    half.push_back(mirrored(image));
  }
  const int search_steps = Search::steps_of(unmerged);
  int draft_steps = 0;
  const MergingDraft draft(input, options, [&](int step, int steps) {
    draft_steps = steps;
    if (progress)
      progress(step, steps + search_steps);
  });
  const MergingJudge judge(draft, chosen, options.threads);
  const TokenSchedule schedule = Search(unmerged, judge, speed_up, [&](int step) {
                                   if (progress)
                                     progress(draft_steps + step, draft_steps + search_steps);
                                 }).run();
  const std::vector<double> errors = *MergingJudge(draft, kept, options.threads).errors(schedule);
  return {schedule, speed_up_of(unmerged, schedule),
          std::accumulate(errors.begin(), errors.end(), 0.0) / static_cast<double>(errors.size())};
}

} // namespace intvit
