#include "models/quantize/linear/quantized_linear.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>

#include "models/architectures/stlq_words.hpp"
#include "models/quantize/codes/arithmetic.hpp"
#include "models/quantize/codes/signal_to_noise.hpp"
#include "models/quantize/linear/two_words.hpp"
#include "models/quantize/linear/weight_rounding.hpp"
#include "models/reference/matmul.hpp"

namespace intvit {

namespace {

using Eigen::ArrayXd;
using Eigen::Index;

constexpr std::array strengths{0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0};

// On how many rows of the second half the error of the output is measured.
constexpr Index measured_rows = 512;

// What the weights are rounded to while the input's codes are searched.
WeightGrid search_grid(const QuantizeOptions &options, Index inputs) {
  switch (options.weight_levels) {
  case WeightLevels::stlq:
    return WordGrid(*storage_of(options.weight_levels, 4), inputs);
  case WeightLevels::int4:
    return UniformGrid(2, 31); // as with second words
  case WeightLevels::int7:
    return UniformGrid(1, 63);
  case WeightLevels::int8:
    break;
  }
  return UniformGrid(1, (1 << (options.weight_bits - 1)) - 1);
}

// Scales and second words of the map's rows. Where the demand is asked for, it is told, and no row has second words.
WordChoice words_for(const WordProblem &problem, const QuantizeOptions &options) {
  if (options.demand != nullptr) {
    options.demand->add(problem, options.threads);
    return choose_words(problem, std::numeric_limits<double>::infinity(), options.threads);
  }
  if (options.word_price)
    return choose_words(problem, *options.word_price, options.threads);
  WordDemand own;
  own.add(problem, options.threads);
  return choose_words(problem, own.price(options.two_word_ratio), options.threads);
}

// Whether the layer's words are taken as they are.
bool words_are_given(const LinearWeights &layer, const QuantizeOptions &options) {
  return options.weight_levels == WeightLevels::stlq && stlq::has_words(layer);
}

// One scale for all inputs. Scales of channels would have to be folded into the words, which stay; a common one is part
// of the outputs' scales.
CodeConstraint with_one_scale(const CodeConstraint &constraint) {
  return [&constraint](ChannelCodes &codes) {
    constraint(codes);
    const double widest = codes.scale.maxCoeff();
    if (codes.scale.minCoeff() == widest)
      return;
    codes.zero = -0.5 + (codes.zero + 0.5) * codes.scale / widest;
    codes.scale.setConstant(widest);
    constraint(codes);
  };
}

double margin(const SiteSamples &samples, const RangeMargins &margins) {
  const bool one_row_an_image = samples.rows[0].rows() == samples.minimum[0].rows();
  return one_row_an_image ? margins.class_token : margins.tokens;
}

struct InputChoice {
  ChannelCodes codes;
  double strength = 0;
  double clipping = 1;
};

// Candidates have the ranges of the first half and are judged on the rows of the second half. Only what was chosen is
// given the margin: candidates with it would be judged by the images that do not need it.
InputChoice searched_input(const LinearWeights &layer, const SiteSamples &samples, const RowVector &gain,
                           const QuantizeOptions &options, const CodeConstraint &constraint, double largest_scale) {
  const auto constrained = [&](const ChannelRange &range, double strength, double factor) {
    ChannelCodes codes = codes_for(range, strength, factor);
    constraint(codes);
    return codes;
  };
  const Affine affine{gain, {}};
  const ChannelRange first_half = observe_range(samples, Part::first_half, affine, options);
  std::vector<InputChoice> candidates;
  for (const double strength : strengths) {
    if (options.channel_strength && strength != strengths.front())
      break;
    for (const double factor : range_factors)
      if (options.published.observer == RangeObserver::mse || factor == 1.0) {
        const double candidate = options.channel_strength.value_or(strength);
        candidates.push_back({constrained(first_half, candidate, factor), candidate, factor});
      }
  }
  std::vector<ChannelCodes> codes;
  codes.reserve(candidates.size());
  for (const InputChoice &candidate : candidates)
    codes.push_back(candidate.codes);
  const std::vector<CodeStatistics> statistics = measure(codes, gain, samples, Part::second_half, options.threads);

  const ArrayXd column_norms = layer.weight.colwise().squaredNorm().transpose().array().cast<double>();
  const WeightGrid grid = search_grid(options, layer.weight.cols());
  const bool rounds_weights = !words_are_given(layer, options);
  const NearestError rounding_error(layer.weight, grid, largest_scale, options.threads);
  InputChoice best;
  double best_error = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    double error = (statistics[i].squared_error * column_norms).sum();
    if (error >= best_error) // before the weights' error is added
      continue;
    if (rounds_weights)
      error += rounding_error(codes[i].scale, statistics[i].variance);
    if (error < best_error) {
      best_error = error;
      best = candidates[i];
    }
  }
  best.clipping *= margin(samples, options.margins);
  best.codes = constrained(observe_range(samples, Part::all, affine, options), best.strength, best.clipping);
  return best;
}

// In decibels, on rows of the second half: the variance of the real outputs over the mean squared error of the
// quantized layer's. Empty where the outputs do not vary.
std::optional<double> signal_to_noise(const LinearWeights &layer, const QuantizedLinear &quantized,
                                      const RowVector &gain, const RowMatrix &samples, int threads) {
  const Index in = layer.weight.cols();
  const Index rows = std::min(samples.rows(), measured_rows);
  RowMatrix real(rows, in);
  RowMatrix codes(rows, in);
  for (Index i = 0; i < rows; ++i) {
    const auto row = samples.row(i * samples.rows() / rows);
    real.row(i) = row.cwiseProduct(gain);
    for (Index c = 0; c < in; ++c)
      codes(i, c) = static_cast<float>(clamped_code(
          static_cast<double>(real(i, c)) / quantized.input.scale[c] + quantized.input.zero[c], -128.0, 127.0));
  }
  const RowMatrix weights =
      Eigen::Map<const Eigen::Matrix<std::int8_t, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>(
          quantized.weights.data(), layer.weight.rows(), in)
          .cast<float>();
  const RowMatrix expected = reference::matmul_transposed(real, layer.weight, threads);
  const RowMatrix accumulators = reference::matmul_transposed(codes, weights, threads);
  const RowVector mean = expected.colwise().mean();
  SignalToNoise ratio;
  for (Index i = 0; i < rows; ++i)
    for (Index n = 0; n < expected.cols(); ++n) {
      const double output = static_cast<double>(accumulators(i, n)) * quantized.scale[n] + quantized.bias[n] -
                            static_cast<double>(layer.bias[n]);
      const auto value = static_cast<double>(expected(i, n));
      ratio.add(value - static_cast<double>(mean[n]), value - output);
    }
  return ratio.decibels(static_cast<double>(expected.squaredNorm()));
}

InputChoice choose_input(const LinearWeights &layer, const SiteSamples &samples, const Affine &input,
                         const QuantizeOptions &options, const CodeConstraint &constraint, double largest_scale) {
  const auto input_for = [&](const QuantizeOptions &chosen, const CodeConstraint &expressible) -> InputChoice {
    if (options.published.per_tensor)
      return {published::tensor_input_codes(samples, input, chosen, expressible)};
    return searched_input(layer, samples, input.gain, chosen, expressible, largest_scale);
  };
  if (words_are_given(layer, options)) {
    QuantizeOptions one_scale = options;
    one_scale.channel_strength = 0;
    const CodeConstraint with_one = with_one_scale(constraint);
    return input_for(one_scale, with_one);
  }
  return input_for(options, constraint);
}

RoundedWeights round_weights(const LinearWeights &layer, const ChannelCodes &input, const CodeStatistics &statistics,
                             const RowVector &gain, const SiteSamples &samples, const QuantizeOptions &options,
                             double largest_scale) {
  if (words_are_given(layer, options)) {
    const double unit = std::ldexp(input.scale[0], -kernels::largest_word_code);
    return {stlq::word_values(layer), layer.stlq_unit.transpose().array().cast<double>() * unit};
  }
  Scales scales = scale_candidates(options.weight_levels, options);
  scales.largest = largest_scale;
  WeightGrid grid = search_grid(options, layer.weight.cols());
  WordChoice choice;
  if (const FourBitStorage *storage = storage_of(options.weight_levels, options.group_inputs)) {
    choice = words_for({layer.weight, input.scale, statistics.variance, samples.output_costs, *storage,
                        WordGrid(*storage, layer.weight.cols()), scales},
                       options);
    grid = WordGrid(*storage, layer.weight.cols(), std::move(choice.two_words));
    scales.of_rows = &choice.scale;
  }
  if (options.rounding == Rounding::nearest)
    return round_to_nearest(layer.weight, input.scale, statistics.variance, grid, scales, options.threads);
  const RowMatrix codes = centred_codes(input, statistics.mean, gain, samples, options.threads);
  return round_compensating(layer.weight, input.scale, codes, statistics.variance, grid, scales, options.threads);
}

} // namespace

double smallest_stream_scale(const QuantizedLinear &layer) {
  return layer.scale.maxCoeff() / 0.4;
}

QuantizedLinear quantize_linear(const LinearWeights &layer, const SiteSamples &samples, const Affine &input,
                                const QuantizeOptions &options, const CodeConstraint &constraint,
                                double largest_scale) {
  const InputChoice choice = choose_input(layer, samples, input, options, constraint, largest_scale);
  QuantizedLinear result;
  result.input = choice.codes;
  result.strength = choice.strength;
  result.clipping = choice.clipping;
  const CodeStatistics statistics = measure({{result.input}}, input.gain, samples, Part::all, options.threads).front();
  RoundedWeights weights = round_weights(layer, result.input, statistics, input.gain, samples, options, largest_scale);
  result.scale = weights.scale;
  result.bias = layer.bias.transpose().array().cast<double>();
  for (Index n = 0; n < layer.weight.rows(); ++n)
    for (Index c = 0; c < layer.weight.cols(); ++c) {
      const double real = static_cast<double>(layer.weight(n, c));
      const double quantized = weights.scale[n] * weights.values[static_cast<std::size_t>(n * layer.weight.cols() + c)];
      result.bias[n] -= quantized * result.input.zero[c];
      if (options.correct_bias)
        result.bias[n] +=
            real * statistics.mean_error[c] + (real * result.input.scale[c] - quantized) * statistics.mean[c];
    }
  result.weights = std::move(weights.values);
  result.storage = words_are_given(layer, options) ? &stlq::storage_of_given(result.weights)
                                                   : storage_of(options.weight_levels, options.group_inputs);
  result.signal_to_noise = signal_to_noise(layer, result, input.gain, samples.rows[1], options.threads);
  return result;
}

} // namespace intvit
