#include "models/quantize/codes/channel_codes.hpp"

#include <algorithm>

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
  const RowVector ones = RowVector::Ones(range.low.size());
  const std::array<const RowMatrix *, 2> all{&samples.rows[0], &samples.rows[1]};
  ArrayXd best_error = measure(best, ones, all).squared_error;
  for (const double factor : range_factors) {
    ChannelCodes codes = codes_for(range, 1.0, factor);
    constraint(codes);
    const ArrayXd error = measure(codes, ones, all).squared_error;
    for (Index c = 0; c < error.size(); ++c)
      if (error[c] < best_error[c]) {
        best_error[c] = error[c];
        best.scale[c] = codes.scale[c];
        best.zero[c] = codes.zero[c];
      }
  }
  return best;
}

CodeStatistics measure(const ChannelCodes &codes, const RowVector &gain, SampledRows samples) {
  const Index channels = codes.scale.size();
  ArrayXd error = ArrayXd::Zero(channels);
  ArrayXd squared_error = ArrayXd::Zero(channels);
  ArrayXd sum = ArrayXd::Zero(channels);
  ArrayXd squares = ArrayXd::Zero(channels);
  // By pointers, because in a sanitizer's build each element of Eigen's is a call.
  const auto add = [&, scale = codes.scale.data(), zero = codes.zero.data(), gains = gain.data(), errors = error.data(),
                    squared_errors = squared_error.data(), sums = sum.data(),
                    sums_of_squares = squares.data()](const float *row) {
    for (Index c = 0; c < channels; ++c) {
      const double value = static_cast<double>(row[c]) * static_cast<double>(gains[c]);
      const double centred = code_of(value, scale[c], zero[c]) - zero[c];
      const double difference = value - scale[c] * centred;
      errors[c] += difference;
      squared_errors[c] += difference * difference;
      sums[c] += centred;
      sums_of_squares[c] += centred * centred;
    }
  };
  double count = 0;
  for (const RowMatrix *rows : samples) {
    count += static_cast<double>(rows->rows());
    for (Index row = 0; row < rows->rows(); ++row)
      add(rows->row(row).data());
  }
  CodeStatistics statistics{squared_error / count, error / count, sum / count, {}};
  statistics.variance = (squares / count - statistics.mean.square()).max(0.0);
  return statistics;
}

RowMatrix centred_codes(const ChannelCodes &codes, const ArrayXd &mean, const RowVector &gain, SampledRows samples) {
  Index count = 0;
  for (const RowMatrix *rows : samples)
    count += rows->rows();
  const Index channels = codes.scale.size();
  RowMatrix centred(channels, count);
  Index column = 0;
  for (const RowMatrix *rows : samples)
    for (Index row = 0; row < rows->rows(); ++row, ++column)
      for (Index c = 0; c < channels; ++c) {
        const double value = static_cast<double>((*rows)(row, c)) * static_cast<double>(gain[c]);
        const double code = code_of(value, codes.scale[c], codes.zero[c]);
        centred(c, column) = static_cast<float>(code - codes.zero[c] - mean[c]);
      }
  return centred;
}

} // namespace intvit
