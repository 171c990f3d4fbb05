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
  const std::array<const RowMatrix *, 2> all{&samples.rows[0], &samples.rows[1]};
  const std::vector<CodeStatistics> statistics =
      measure(candidates, RowVector::Ones(range.low.size()), all, options.threads);
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

  void add(const std::vector<double> &values, Index rows) {
    fastest_loops().add_code_sums(values.data(), rows, scale.data(), zero.data(),
                                  {error.data(), squared_error.data(), code.data(), squared_code.data()});
  }
};

// So many rows are read before the next candidate, so that they stay in the cache.
constexpr Index rows_at_once = 256;

// Channels [first, first + used) of all candidates.
void measure_channels(std::span<const ChannelCodes> candidates, const RowVector &gain, SampledRows samples, Index first,
                      Index used, std::vector<CodeStatistics> &statistics) {
  std::vector<ChannelSums> sums(candidates.size());
  for (std::size_t i = 0; i < sums.size(); ++i) {
    sums[i].scale.fill(1.0);
    std::copy_n(candidates[i].scale.data() + first, used, sums[i].scale.data());
    std::copy_n(candidates[i].zero.data() + first, used, sums[i].zero.data());
  }
  std::vector<double> values(static_cast<std::size_t>(rows_at_once * code_channels));
  double count = 0;
  for (const RowMatrix *rows : samples) {
    count += static_cast<double>(rows->rows());
    for (Index begin = 0; begin < rows->rows(); begin += rows_at_once) {
      const Index end = std::min(begin + rows_at_once, rows->rows());
      for (Index row = begin; row < end; ++row) {
        const float *from = rows->row(row).data() + first;
        double *to = values.data() + (row - begin) * code_channels;
        for (Index c = 0; c < used; ++c)
          to[c] = static_cast<double>(from[c]) * static_cast<double>(gain[first + c]);
      }
      for (ChannelSums &candidate : sums)
        candidate.add(values, end - begin);
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
                                    SampledRows samples, int threads) {
  const Index channels = gain.size();
  const ArrayXd room(channels);
  std::vector<CodeStatistics> statistics(candidates.size(), {room, room, room, room});
  parallel_for(threads, static_cast<std::size_t>((channels + code_channels - 1) / code_channels),
               [&](std::size_t index, std::size_t) {
                 const Index first = static_cast<Index>(index) * code_channels;
                 measure_channels(candidates, gain, samples, first, std::min<Index>(code_channels, channels - first),
                                  statistics);
               });
  return statistics;
}

RowMatrix centred_codes(const ChannelCodes &codes, const ArrayXd &mean, const RowVector &gain, SampledRows samples,
                        int threads) {
  Index count = 0;
  for (const RowMatrix *rows : samples)
    count += rows->rows();
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
                 for (const RowMatrix *rows : samples)
                   for (Index begin = 0; begin < rows->rows(); begin += at_once) {
                     const Index height = std::min(at_once, rows->rows() - begin);
                     for (Index row = 0; row < height; ++row) {
                       const float *values = rows->row(begin + row).data() + first;
                       for (Index c = 0; c < used; ++c) {
                         const double value = static_cast<double>(values[c]) * static_cast<double>(gain[first + c]);
                         const double code = code_of(value, codes.scale[first + c], codes.zero[first + c]);
                         turned[static_cast<std::size_t>(c * at_once + row)] =
                             static_cast<float>(code - codes.zero[first + c] - mean[first + c]);
                       }
                     }
                     for (Index c = 0; c < used; ++c)
                       std::copy_n(turned.data() + c * at_once, height, centred.row(first + c).data() + column);
                     column += height;
                   }
               });
  return centred;
}

void weigh(RowMatrix &centred, const std::array<ArrayXd, 2> &row_weights, int threads) {
  ArrayXd weights(centred.cols());
  weights << row_weights[0], row_weights[1];
  const ArrayXd roots = weights.sqrt();
  double total = 0;
  for (const double weight : weights)
    total += weight;
  parallel_for(threads, static_cast<std::size_t>(centred.rows()), [&](std::size_t channel, std::size_t) {
    float *codes = centred.row(static_cast<Index>(channel)).data();
    double sum = 0;
    for (Index i = 0; i < centred.cols(); ++i)
      sum += weights[i] * static_cast<double>(codes[i]);
    for (Index i = 0; i < centred.cols(); ++i)
      codes[i] = static_cast<float>((static_cast<double>(codes[i]) - sum / total) * roots[i]);
  });
}

} // namespace intvit
