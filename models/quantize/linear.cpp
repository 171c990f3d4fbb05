#include "models/quantize/linear.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>

#include "models/quantize/round_to_even.hpp"
#include "models/quantize/rounding.hpp"
#include "models/quantize/stlq.hpp"
#include "models/reference/matmul.hpp"

namespace intvit {

namespace {

using Eigen::ArrayXd;

constexpr double code_steps = 255.0;

// Factors on a calibrated range. Below 1 clips the tails for a finer step; above 1 leaves room for unseen images.
constexpr std::array range_factors{0.6, 0.7, 0.8, 0.9, 1.0, 1.1};
constexpr std::array fitting_scale{100.0}; // percent
constexpr std::array strengths{0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0};

struct ChannelRange {
  ArrayXd low;
  ArrayXd high;

  ArrayXd middle() const { return (low + high) / 2; }
  // A channel that hardly moves is given 1/256 of the widest channel's width: a step at which its error is nothing
  // beside the others', while a finer one would ask for multipliers that do not fit. Never zero.
  ArrayXd width() const {
    const ArrayXd exact = high - low;
    return exact.max(exact.maxCoeff() / 256).max(1e-4 * (1.0 + high.abs().maxCoeff()));
  }
};

ChannelRange scaled_range(const RowVector &minimum, const RowVector &maximum, const RowVector &gain) {
  const ArrayXd a = (minimum.array() * gain.array()).cast<double>().transpose();
  const ArrayXd b = (maximum.array() * gain.array()).cast<double>().transpose();
  return {a.min(b), a.max(b)};
}

ChannelCodes codes_for(const ChannelRange &range, double strength, double factor) {
  const ArrayXd width = range.width();
  const double widest = width.maxCoeff();
  ChannelCodes codes;
  codes.scale = factor * width.pow(strength) * std::pow(widest, 1.0 - strength) / code_steps;
  codes.zero = -0.5 - range.middle() / codes.scale;
  return codes;
}

double quantize_value(float value, float gain, double scale, double zero) {
  return std::clamp(round_to_even(static_cast<double>(value) * static_cast<double>(gain) / scale + zero), -128.0,
                    127.0);
}

// What quantizing the sampled rows does, per channel.
struct CodeStatistics {
  ArrayXd squared_error; // mean of (value - dequantized)^2
  ArrayXd mean_error;    // mean of value - dequantized
  ArrayXd mean;          // of code - zero
  ArrayXd variance;      // of the code
};

CodeStatistics measure(const ChannelCodes &codes, const RowVector &gain, std::span<const RowMatrix *const> samples) {
  const Eigen::Index channels = codes.scale.size();
  ArrayXd error = ArrayXd::Zero(channels);
  ArrayXd squared_error = ArrayXd::Zero(channels);
  ArrayXd sum = ArrayXd::Zero(channels);
  ArrayXd squares = ArrayXd::Zero(channels);
  double count = 0;
  for (const RowMatrix *rows : samples) {
    count += static_cast<double>(rows->rows());
    for (Eigen::Index row = 0; row < rows->rows(); ++row)
      for (Eigen::Index c = 0; c < channels; ++c) {
        const double value = static_cast<double>((*rows)(row, c)) * static_cast<double>(gain[c]);
        const double code = quantize_value((*rows)(row, c), gain[c], codes.scale[c], codes.zero[c]);
        const double centred = code - codes.zero[c];
        const double difference = value - codes.scale[c] * centred;
        error[c] += difference;
        squared_error[c] += difference * difference;
        sum[c] += centred;
        squares[c] += centred * centred;
      }
  }
  CodeStatistics statistics{squared_error / count, error / count, sum / count, {}};
  statistics.variance = (squares / count - statistics.mean.square()).max(0.0);
  return statistics;
}

// The codes of the sampled rows without their means, one channel a row.
RowMatrix centred_codes(const ChannelCodes &input, const CodeStatistics &statistics, const RowVector &gain,
                        std::span<const RowMatrix *const> samples) {
  Eigen::Index count = 0;
  for (const RowMatrix *rows : samples)
    count += rows->rows();
  const Eigen::Index channels = input.scale.size();
  RowMatrix codes(channels, count);
  Eigen::Index column = 0;
  for (const RowMatrix *rows : samples)
    for (Eigen::Index row = 0; row < rows->rows(); ++row, ++column)
      for (Eigen::Index c = 0; c < channels; ++c) {
        const double code = quantize_value((*rows)(row, c), gain[c], input.scale[c], input.zero[c]);
        codes(c, column) = static_cast<float>(code - input.zero[c] - statistics.mean[c]);
      }
  return codes;
}

WeightGrid one_word_grid(WeightFormat format, Eigen::Index inputs) {
  if (format == WeightFormat::stlq)
    return LogGrid(inputs);
  return UniformGrid(format == WeightFormat::int4 ? 4 : 8);
}

// The weights whose error with one word costs most.
std::vector<bool> select_two_words(const RowMatrix &weight, const ArrayXd &input_scale, const ArrayXd &variance,
                                   const QuantizeOptions &options) {
  const WeightGrid one_word = LogGrid(weight.cols());
  const RoundedWeights rounded =
      round_to_nearest(weight, input_scale, variance, one_word, scale_candidates(one_word, options.range));
  RowMatrix squares(weight.rows(), weight.cols());
  for (Eigen::Index n = 0; n < weight.rows(); ++n)
    for (Eigen::Index c = 0; c < weight.cols(); ++c) {
      const double residual = static_cast<double>(weight(n, c)) * input_scale[c] -
                              rounded.scale[n] * rounded.values[static_cast<std::size_t>(n * weight.cols() + c)];
      squares(n, c) = static_cast<float>(residual * residual * variance[c]);
    }
  return stlq::select_by_ratio(squares, options.two_word_granularity, options.two_word_ratio);
}

} // namespace

CodeConstraint requantizable(const ArrayXd &factor) {
  return [smallest = ArrayXd(factor.abs() / 0.4)](ChannelCodes &codes) {
    const ArrayXd scale = codes.scale.max(smallest);
    codes.zero = -0.5 + (codes.zero + 0.5) * codes.scale / scale;
    codes.scale = scale;
  };
}

ChannelCodes own_range_codes(const SiteSamples &samples, RangeMethod method, const CodeConstraint &constraint) {
  const RowVector ones = RowVector::Ones(samples.minimum[0].size());
  const ChannelRange range = scaled_range(samples.overall_minimum(), samples.overall_maximum(), ones);
  const std::array<const RowMatrix *, 2> all{&samples.rows[0], &samples.rows[1]};
  ChannelCodes best = codes_for(range, 1.0, 1.0);
  constraint(best);
  if (method == RangeMethod::minmax)
    return best;
  ArrayXd best_error = measure(best, ones, all).squared_error;
  for (const double factor : range_factors) {
    ChannelCodes codes = codes_for(range, 1.0, factor);
    constraint(codes);
    const ArrayXd error = measure(codes, ones, all).squared_error;
    for (Eigen::Index c = 0; c < error.size(); ++c)
      if (error[c] < best_error[c]) {
        best_error[c] = error[c];
        best.scale[c] = codes.scale[c];
        best.zero[c] = codes.zero[c];
      }
  }
  return best;
}

QuantizedLinear quantize_linear(const LinearWeights &layer, const SiteSamples &samples, const RowVector &gain,
                                const QuantizeOptions &options, const CodeConstraint &constraint) {
  const auto constrained = [&](const ChannelRange &range, double strength, double factor) {
    ChannelCodes codes = codes_for(range, strength, factor);
    constraint(codes);
    return codes;
  };

  WeightGrid grid = one_word_grid(options.weight_format, layer.weight.cols());
  // Chosen with the first half's range, judged by the second half's rows.
  const ChannelRange first_half = scaled_range(samples.minimum[0], samples.maximum[0], gain);
  const std::array<const RowMatrix *, 1> second_half{&samples.rows[1]};
  const ArrayXd column_norms = layer.weight.colwise().squaredNorm().transpose().array().cast<double>();
  double best_error = std::numeric_limits<double>::infinity();
  double best_strength = 0;
  double best_factor = 1;
  for (const double strength : strengths) {
    if (options.channel_strength && strength != strengths.front())
      break;
    for (const double factor : range_factors) {
      if (options.range == RangeMethod::minmax && factor != 1.0)
        continue;
      const double candidate = options.channel_strength.value_or(strength);
      const ChannelCodes codes = constrained(first_half, candidate, factor);
      const CodeStatistics statistics = measure(codes, gain, second_half);
      const double error = round_to_nearest(layer.weight, codes.scale, statistics.variance, grid, fitting_scale).error +
                           (statistics.squared_error * column_norms).sum();
      if (error < best_error) {
        best_error = error;
        best_strength = candidate;
        best_factor = factor;
      }
    }
  }

  QuantizedLinear result;
  result.input =
      constrained(scaled_range(samples.overall_minimum(), samples.overall_maximum(), gain), best_strength, best_factor);
  const std::array<const RowMatrix *, 2> all{&samples.rows[0], &samples.rows[1]};
  const CodeStatistics statistics = measure(result.input, gain, all);
  if (options.weight_format == WeightFormat::stlq)
    grid =
        LogGrid(layer.weight.cols(), select_two_words(layer.weight, result.input.scale, statistics.variance, options));
  const std::span<const double> scales = scale_candidates(grid, options.range);
  RoundedWeights weights =
      options.compensate
          ? round_compensating(layer.weight, result.input.scale, centred_codes(result.input, statistics, gain, all),
                               statistics.variance, grid, scales)
          : round_to_nearest(layer.weight, result.input.scale, statistics.variance, grid, scales);
  result.scale = weights.scale;
  result.bias = layer.bias.transpose().array().cast<double>();
  for (Eigen::Index n = 0; n < layer.weight.rows(); ++n)
    for (Eigen::Index c = 0; c < layer.weight.cols(); ++c) {
      const double real = static_cast<double>(layer.weight(n, c));
      const double quantized = weights.scale[n] * weights.values[static_cast<std::size_t>(n * layer.weight.cols() + c)];
      result.bias[n] += real * statistics.mean_error[c] +
                        (real * result.input.scale[c] - quantized) * statistics.mean[c] -
                        quantized * result.input.zero[c];
    }
  result.weights = std::move(weights.values);
  return result;
}

QuantizedLinear quantize_pixel_linear(const LinearWeights &layer, RangeMethod method) {
  const Eigen::Index in = layer.weight.cols();
  QuantizedLinear result;
  result.input = {ArrayXd::Ones(in), ArrayXd::Constant(in, -128.0)};
  const WeightGrid grid = UniformGrid();
  RoundedWeights weights =
      round_to_nearest(layer.weight, result.input.scale, ArrayXd::Ones(in), grid, scale_candidates(grid, method));
  result.scale = weights.scale;
  result.bias = layer.bias.transpose().array().cast<double>();
  for (Eigen::Index n = 0; n < layer.weight.rows(); ++n)
    for (Eigen::Index c = 0; c < in; ++c)
      result.bias[n] += 128.0 * weights.scale[n] * weights.values[static_cast<std::size_t>(n * in + c)];
  result.weights = std::move(weights.values);
  return result;
}

RowVector fold_beta(const LinearWeights &layer, const RowVector &beta) {
  return layer.bias + reference::matmul_transposed(beta, layer.weight).row(0);
}

} // namespace intvit
