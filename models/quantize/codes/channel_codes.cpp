#include "models/quantize/codes/channel_codes.hpp"

#include <algorithm>

#include "models/loops/loops.hpp"
#include "models/parallel.hpp"
#include "models/quantize/codes/arithmetic.hpp"

namespace intvit {

namespace {

using Eigen::ArrayXd;
using Eigen::Index;

constexpr double code_steps = 255.0;

double code_of(double value, double scale, double zero) {
  return clamped_code(value / scale + zero, -128.0, 127.0);
}

} // namespace

ArrayXd smallest_scale(const ArrayXd &factor) {
  return factor.abs() / 0.4;
}

CodeConstraint requantizable(const ArrayXd &factor) {
  return [smallest = smallest_scale(factor)](ChannelCodes &codes) {
    const ArrayXd scale = codes.scale.max(smallest);
    codes.zero = -0.5 + (codes.zero + 0.5) * codes.scale / scale;
    codes.scale = scale;
  };
}

ChannelCodes codes_for(const ChannelRange &range, double strength, double factor) {
  const ArrayXd width = range.width();
  const double widest = width.maxCoeff();
  ChannelCodes codes;
  codes.scale.resize(width.size());
  for (Index c = 0; c < width.size(); ++c)
    codes.scale[c] = factor * widest * fractional_power(width[c] / widest, strength) / code_steps;
  codes.zero = -0.5 - range.middle() / codes.scale;
  return codes;
}

ChannelCodes own_range_codes(const SiteSamples &samples, const QuantizeOptions &options,
                             const CodeConstraint &constraint) {
  const ChannelRange range = observe_range(samples, options);
  const bool per_tensor = options.published.per_tensor;
  ChannelCodes best = per_tensor ? published::tensor_codes(range) : codes_for(range, 1.0, 1.0);
  constraint(best);
  if (options.published.observer != RangeObserver::mse || per_tensor)
    return best;
  std::vector<ChannelCodes> candidates{best};
  for (const double factor : range_factors) {
    candidates.push_back(codes_for(range, 1.0, factor));
    constraint(candidates.back());
  }
  const std::vector<CodeStatistics> statistics =
      measure(candidates, RowVector::Ones(range.low.size()), samples, Part::all, options.threads);
  ArrayXd best_error = statistics.front().squared_error;
  for (std::size_t i = 1; i < candidates.size(); ++i) {
    const ArrayXd &error = statistics[i].squared_error;
    for (Index c = 0; c < error.size(); ++c)
      if (error[c] < best_error[c]) {
        best_error[c] = error[c];
        best.scale[c] = candidates[i].scale[c];
        best.zero[c] = candidates[i].zero[c];
      }
  }
  return best;
}

namespace {

// The sums of one candidate over some channels.
struct ChannelSums {
  using Channels = std::array<double, code_channels>;
  Channels scale{};
  Channels zero{};
  Channels error{};
  Channels squared_error{};
  Channels code{};
  Channels squared_code{};

  void add(const std::vector<double> &values, const double *weights, Index rows) {
    fastest_loops().add_code_sums(values.data(), weights, rows, scale.data(), zero.data(),
                                  {error.data(), squared_error.data(), code.data(), squared_code.data()});
  }
};

// The halves of the images that belong to the part.
std::span<const std::size_t> halves_of(Part part) {
  static constexpr std::array<std::size_t, 2> halves{0, 1};
  const std::span<const std::size_t> all = halves;
  return part == Part::all ? all : all.subspan(part == Part::first_half ? 0 : 1, 1);
}

using RowWeights = std::array<ArrayXd, 2>; // of each half

RowWeights row_weights_of(const SiteSamples &samples) {
  RowWeights weights = samples.row_weights;
  for (std::size_t half = 0; half < 2; ++half)
    if (weights[half].size() == 0)
      weights[half] = ArrayXd::Ones(samples.rows[half].rows());
  return weights;
}

// So many rows are read before the next candidate, so that they stay in the cache.
constexpr Index rows_at_once = 256;

// Channels [first, first + used) of all candidates.
void measure_channels(std::span<const ChannelCodes> candidates, const RowVector &gain, const SiteSamples &samples,
                      const RowWeights &row_weights, Part part, Index first, Index used,
                      std::vector<CodeStatistics> &statistics) {
  std::vector<ChannelSums> sums(candidates.size());
  for (std::size_t i = 0; i < sums.size(); ++i) {
    sums[i].scale.fill(1.0);
    std::copy_n(candidates[i].scale.data() + first, used, sums[i].scale.data());
    std::copy_n(candidates[i].zero.data() + first, used, sums[i].zero.data());
  }
  std::vector<double> values(static_cast<std::size_t>(rows_at_once * code_channels));
  double count = 0;
  for (const std::size_t half : halves_of(part)) {
    const RowMatrix &rows = samples.rows[half];
    const ArrayXd &weights = row_weights[half];
    for (const double weight : weights)
      count += weight;
    for (Index begin = 0; begin < rows.rows(); begin += rows_at_once) {
      const Index end = std::min(begin + rows_at_once, rows.rows());
      for (Index row = begin; row < end; ++row) {
        const float *from = rows.row(row).data() + first;
        double *to = values.data() + (row - begin) * code_channels;
        for (Index c = 0; c < used; ++c)
          to[c] = static_cast<double>(from[c]) * static_cast<double>(gain[first + c]);
      }
      for (ChannelSums &candidate : sums)
        candidate.add(values, weights.data() + begin, end - begin);
    }
  }
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const auto mean = [&](const ChannelSums::Channels &sum) -> ArrayXd {
      return Eigen::Map<const ArrayXd>(sum.data(), used) / count;
    };
    CodeStatistics &result = statistics[i];
    result.squared_error.segment(first, used) = mean(sums[i].squared_error);
    result.mean_error.segment(first, used) = mean(sums[i].error);
    result.mean.segment(first, used) = mean(sums[i].code);
    result.variance.segment(first, used) =
        (mean(sums[i].squared_code) - result.mean.segment(first, used).square()).max(0.0);
  }
}

} // namespace

std::vector<CodeStatistics> measure(std::span<const ChannelCodes> candidates, const RowVector &gain,
                                    const SiteSamples &samples, Part part, int threads) {
  const Index channels = gain.size();
  const RowWeights weights = row_weights_of(samples);
  const ArrayXd room(channels);
  std::vector<CodeStatistics> statistics(candidates.size(), {room, room, room, room});
  parallel_for(threads, static_cast<std::size_t>((channels + code_channels - 1) / code_channels),
               [&](std::size_t index, std::size_t) {
                 const Index first = static_cast<Index>(index) * code_channels;
                 measure_channels(candidates, gain, samples, weights, part, first,
                                  std::min<Index>(code_channels, channels - first), statistics);
               });
  return statistics;
}

RowMatrix centred_codes(const ChannelCodes &codes, const ArrayXd &mean, const RowVector &gain,
                        const SiteSamples &samples, int threads) {
  const Index count = samples.rows[0].rows() + samples.rows[1].rows();
  const RowWeights weights = row_weights_of(samples);
  const RowWeights roots{weights[0].sqrt(), weights[1].sqrt()};
  const Index channels = codes.scale.size();
  RowMatrix centred(channels, count);
  parallel_for(threads, static_cast<std::size_t>((channels + code_channels - 1) / code_channels),
               [&](std::size_t index, std::size_t) {
                 const Index first = static_cast<Index>(index) * code_channels;
                 const Index used = std::min<Index>(code_channels, channels - first);
                 // Some rows at a time, turned in a place where they do not lie a power of two apart.
                 constexpr Index at_once = 32;
                 std::array<float, code_channels * at_once> turned{};
                 Index column = 0;
                 for (const std::size_t half : halves_of(Part::all)) {
                   const RowMatrix &rows = samples.rows[half];
                   for (Index begin = 0; begin < rows.rows(); begin += at_once) {
                     const Index height = std::min(at_once, rows.rows() - begin);
                     for (Index row = 0; row < height; ++row) {
                       const float *values = rows.row(begin + row).data() + first;
                       const double root = roots[half][begin + row];
                       for (Index c = 0; c < used; ++c) {
                         const double value = static_cast<double>(values[c]) * static_cast<double>(gain[first + c]);
                         const double code = code_of(value, codes.scale[first + c], codes.zero[first + c]);
                         turned[static_cast<std::size_t>(c * at_once + row)] =
                             static_cast<float>((code - codes.zero[first + c] - mean[first + c]) * root);
                       }
                     }
                     for (Index c = 0; c < used; ++c)
                       std::copy_n(turned.data() + c * at_once, height, centred.row(first + c).data() + column);
                     column += height;
                   }
                 }
               });
  return centred;
}

} // namespace intvit
