// MLPs, with and without a gate.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/gelu.hpp"
#include "models/quantize/emit/importance.hpp"
#include "models/quantize/emit/stream_maps.hpp"
#include "models/quantize/linear/normed_linear.hpp"

namespace intvit {

using Eigen::ArrayXd;
using reference::SiteKind;

namespace {

// The requantization to a value with so many fraction bits must be by less than 0.5: a little less.
constexpr double largest_factor = 0.49;

// GELU's inputs have 16 bits: as many of them are fraction bits as the largest value and the requantization leave.
int gelu_fraction_bits(double largest, const QuantizedLinear &fc1) {
  int fraction_bits = kernels::max_gelu_fraction_bits;
  while (fraction_bits > kernels::min_gelu_fraction_bits &&
         (std::ldexp(1.25 * largest, fraction_bits) > 32767 ||
          std::ldexp(fc1.scale.maxCoeff(), fraction_bits) > largest_factor))
    --fraction_bits;
  return fraction_bits;
}

// GELU's outputs are requantized by an integer multiplier over 2^15 and have integer zero points.
void as_gelu_writes(int fraction_bits, ChannelCodes &codes) {
  const double unit = std::ldexp(1.0, 15 - fraction_bits);
  codes.scale = unit / (unit / codes.scale).round().max(1.0).min(32767.0);
  codes.zero = codes.zero.round().max(-128.0).min(127.0);
}

// Integer zero points, and so ranges that hold 0: scales grow where they do not.
void hold_zero(ChannelCodes &codes) {
  const ArrayXd low = (codes.scale * (-128 - codes.zero)).min(0.0);
  const ArrayXd high = (codes.scale * (127 - codes.zero)).max(0.0);
  codes.scale = codes.scale.max((high - low) / 255);
  codes.zero = (-128 - low / codes.scale).round().max(-128.0).min(127.0);
}

// Codes of a factor, in which every channel fills its own range. Products have long tails, and of a class token there
// are few samples, so that others lie beyond their range: it is widened as suits the second half of the samples where
// the ranges are those of the first.
ChannelCodes factor_codes(const SiteSamples &samples, const QuantizeOptions &options,
                          const CodeConstraint &constraint) {
  if (options.published.per_tensor)
    return own_range_codes(samples, options, constraint);
  const Eigen::Index channels = samples.minimum[0].cols();
  const ChannelRange first_half = observe_range(samples, Part::first_half, unchanged(channels), options);
  constexpr std::array factors{0.8, 0.9, 1.0, 1.15, 1.3, 1.5, 1.75, 2.0};
  std::vector<ChannelCodes> candidates;
  for (const double factor : factors) {
    candidates.push_back(codes_for(first_half, 1.0, factor));
    constraint(candidates.back());
  }
  const std::vector<CodeStatistics> statistics =
      measure(candidates, RowVector::Ones(channels), samples, Part::second_half, options.threads);
  double best = 1;
  double best_error = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < factors.size(); ++i)
    if (const double error = (statistics[i].squared_error / first_half.width().square()).sum(); error < best_error) {
      best_error = error;
      best = factors[i];
    }
  ChannelCodes codes = codes_for(observe_range(samples, options), 1.0, best);
  constraint(codes);
  return codes;
}

// Outputs [first, first + count) of a linear map.
QuantizedLinear part_of(const QuantizedLinear &layer, Eigen::Index first, Eigen::Index count) {
  QuantizedLinear part = layer;
  const Eigen::Index in = layer.input.scale.size();
  part.weights.assign(layer.weights.begin() + first * in, layer.weights.begin() + (first + count) * in);
  part.scale = layer.scale.segment(first, count);
  part.bias = layer.bias.segment(first, count);
  return part;
}

// The first map, or the first two as one, of the stream between the branches.
StreamMap first_map(PartContext &context, const MlpPart &part, const LinearWeights &layer, const BlockSamples &samples,
                    const StreamNode &stream, const QuantizeOptions &options) {
  const double largest_scale = std::ldexp(largest_factor, -kernels::min_gelu_fraction_bits);
  if (part.norm_after)
    return quantize_stream_map(context, part.name + ".input", layer, nullptr,
                               samples_of(samples, SiteKind::block_middle), stream, options, largest_scale);
  return quantize_stream_map(context, part.norm_name, layer, &part.norm,
                             samples_of(samples, SiteKind::norm2_normalized), stream, options, largest_scale);
}

// What fc2 makes of the node `input`, added to the stream.
StreamNode add_mlp_branch(PartContext &context, const MlpPart &part, const std::string &input,
                          const QuantizedLinear &fc2, const BlockSamples &samples, const StreamNode &stream,
                          const std::function<StreamCodes(double smallest_scale)> &output) {
  const std::string name = part.name + ".fc2";
  if (!part.norm_after)
    return add_branch(context, name, input, fc2, nullptr, stream, output);
  const BranchNorm norm{part.norm_name, part.name + ".sum", part.norm, samples_of(samples, SiteKind::mlp_branch),
                        samples_of(samples, SiteKind::mlp_added)};
  return add_branch(context, name, input, fc2, &norm, stream, output);
}

// Gate and first map read the same codes, which are chosen for both together.
StreamNode quantize_gated_mlp(PartContext &context, const MlpPart &part, const BlockSamples &samples,
                              const StreamNode &stream, const QuantizeOptions &options,
                              const std::function<StreamCodes(double smallest_scale)> &output) {
  const StreamMap both = first_map(context, part, stacked(*part.gate, part.fc1), samples, stream, options);
  const Eigen::Index hidden = part.fc1.weight.rows();
  const QuantizedLinear gate = part_of(both.layer, 0, hidden);
  const QuantizedLinear fc1 = part_of(both.layer, hidden, hidden);
  const RowVector lowest = samples_of(samples, SiteKind::gate_output).overall_minimum();
  const RowVector highest = samples_of(samples, SiteKind::gate_output).overall_maximum();
  const double largest = std::max(-static_cast<double>(lowest.minCoeff()), static_cast<double>(highest.maxCoeff()));
  const int fraction_bits = gelu_fraction_bits(largest, gate);
  const ChannelCodes gate_codes =
      factor_codes(samples_of(samples, SiteKind::gate_activated), options, [&](ChannelCodes &codes) {
        hold_zero(codes);
        as_gelu_writes(fraction_bits, codes);
      });
  const ChannelCodes fc1_codes =
      factor_codes(samples_of(samples, SiteKind::fc1_output), options, [&](ChannelCodes &codes) {
        requantizable(fc1.scale)(codes);
        hold_zero(codes);
      });
  context.nodes.linear_gelu(part.name + ".gate", both.input, gate, part.activation, fraction_bits, gate_codes);
  context.nodes.linear(part.name + ".fc1", both.input, fc1, fc1_codes);

  const FactorNode a{part.name + ".gate", gate_codes};
  const FactorNode b{part.name + ".fc1", fc1_codes};
  const ArrayXd unit = gate_codes.scale * fc1_codes.scale;
  const std::string product = part.name + ".product";
  const SiteSamples &fc2_input = samples_of(samples, SiteKind::gelu_output);
  if (part.inner_norm == nullptr) {
    const QuantizedLinear fc2 = quantize_linear(part.fc2, fc2_input, unchanged(hidden), options, requantizable(unit));
    context.nodes.multiply(product, a, b, fc2.input);
    return add_mlp_branch(context, part, product, fc2, samples, stream, output);
  }
  const StreamNode wide = context.nodes.multiply_stream(
      product, a, b, int16_stream_codes(samples_of(samples, SiteKind::gated_product), smallest_scale(unit).maxCoeff()));
  const QuantizedLinear fc2 =
      quantize_normed_linear(part.fc2, *part.inner_norm, samples_of(samples, SiteKind::hidden_normalized), options);
  context.nodes.layer_norm(part.name + ".norm", wide, *part.inner_norm, fc2.input);
  return add_mlp_branch(context, part, part.name + ".norm", fc2, samples, stream, output);
}

// GELU's output as LayerNorm reads it: powers of two between channels, which GELU's multipliers must be, too.
StreamCodes narrow_gelu_codes(PartContext &context, const MlpPart &part, const SiteSamples &samples,
                              int fraction_bits) {
  QuantizeOptions narrow = context.options;
  narrow.residual = ResidualFormat::ptf8;
  StreamCodes codes = choose_stream_codes(samples, narrow, stream_importance(*part.inner_norm, part.fc2), 0);
  const double unit = std::ldexp(1.0, 15 - fraction_bits);
  const double widest = std::ldexp(1.0, *std::max_element(codes.alpha.begin(), codes.alpha.end()));
  const double multiplier = std::clamp(std::round(unit / codes.base_scale / widest), 1.0, std::floor(32767 / widest));
  codes.base_scale = unit / (multiplier * widest);
  return codes;
}

} // namespace

StreamNode quantize_mlp(PartContext &context, const MlpPart &part, const BlockSamples &samples,
                        const StreamNode &stream, const QuantizeOptions &options,
                        const std::function<StreamCodes(double smallest_scale)> &output) {
  if (part.gate != nullptr)
    return quantize_gated_mlp(context, part, samples, stream, options, output);
  const StreamMap first = first_map(context, part, part.fc1, samples, stream, options);
  const QuantizedLinear &fc1 = first.layer;
  const double largest = static_cast<double>(samples_of(samples, SiteKind::fc1_output).overall_maximum().maxCoeff());
  const int fraction_bits = gelu_fraction_bits(largest, fc1);
  if (part.inner_norm != nullptr) {
    const QuantizedLinear fc2 =
        quantize_normed_linear(part.fc2, *part.inner_norm, samples_of(samples, SiteKind::hidden_normalized), options);
    const StreamNode hidden{
        part.name + ".fc1",
        narrow_gelu_codes(context, part, samples_of(samples, SiteKind::gated_product), fraction_bits)};
    context.nodes.linear_gelu(hidden.name, first.input, fc1, part.activation, fraction_bits,
                              {hidden.codes.scale(), hidden.codes.zero()});
    context.nodes.layer_norm(part.name + ".norm", hidden, *part.inner_norm, fc2.input);
    return add_mlp_branch(context, part, part.name + ".norm", fc2, samples, stream, output);
  }
  const QuantizedLinear fc2 =
      quantize_linear(part.fc2, samples_of(samples, SiteKind::gelu_output), unchanged(part.fc2.weight.cols()), options,
                      [&](ChannelCodes &codes) { as_gelu_writes(fraction_bits, codes); });
  context.nodes.linear_gelu(part.name + ".fc1", first.input, fc1, part.activation, fraction_bits, fc2.input);
  return add_mlp_branch(context, part, part.name + ".fc1", fc2, samples, stream, output);
}

} // namespace intvit
