#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

#include "kernels/gelu.hpp"
#include "models/quantize/emit/importance.hpp"
#include "models/quantize/emit/parts.hpp"
#include "models/quantize/linear/normed_linear.hpp"

namespace intvit {

using Eigen::ArrayXd;
using reference::SiteKind;

namespace {

// The requantization to a value with so many fraction bits must be by less than 0.5: a little less.
constexpr double largest_factor = 0.49;

// How many patches a token of the block may stand for: every other one stands for one at least.
int largest_token_size(const Network &network, const BlockConfig &config) {
  const int first_tokens = network.embedding.prefix_tokens + network.common.patches();
  return config.windows ? 1 : first_tokens - config.tokens + 1;
}

StreamNode attention_branch(PartContext &context, const BlockPart &part, const BlockSamples &samples,
                            const StreamNode &stream) {
  const BlockWeights &block = *part.weights;
  const BlockConfig &config = part.config;
  const std::string attn = part.name + ".attn";
  const QuantizedLinear qkv =
      quantize_normed_linear(block.qkv, block.norm1, samples_of(samples, SiteKind::norm1_normalized), context.options);
  context.nodes.layer_norm(part.name + ".norm1", stream, block.norm1, qkv.input);
  std::optional<RotatedSamples> rotated;
  if (config.rotation)
    rotated.emplace(
        RotatedSamples{samples_of(samples, SiteKind::rotated_query), samples_of(samples, SiteKind::rotated_key)});
  const AttentionCodes codes = choose_attention_codes(
      samples_of(samples, SiteKind::query), samples_of(samples, SiteKind::key), samples_of(samples, SiteKind::value),
      config.heads, context.options, qkv.scale,
      {block.position_bias, config.windows && config.windows->shift > 0, largest_token_size(context.network, config)},
      rotated ? &*rotated : nullptr);
  context.nodes.linear(attn + ".qkv", part.name + ".norm1", qkv, codes.side_by_side());
  std::string attention_input = attn + ".qkv";
  if (config.rotation) {
    context.nodes.rotate(attn + ".rotate", attention_input, config.heads, *config.rotation);
    attention_input = attn + ".rotate";
  }
  const QuantizedLinear proj =
      quantize_linear(block.proj, samples_of(samples, SiteKind::attention_output), unchanged(block.proj.weight.cols()),
                      context.options, requantizable(codes.value.scale * quotient_unit));
  context.nodes.attention(attn, attention_input, config, codes, proj.input, part.kept_rows);
  const StreamNode rows = part.kept_rows > 0 ? context.nodes.take_rows("head_tokens", stream, part.kept_rows) : stream;
  StreamNode middle = context.nodes.linear_residual(
      attn + ".proj", attn, proj, rows,
      choose_stream_codes(samples_of(samples, SiteKind::block_middle), context.options,
                          stream_importance(block.norm2, block.fc1), smallest_stream_scale(proj)));
  if (part.merging.pairs == 0)
    return middle;
  return context.nodes.merge_tokens(part.name, attn + ".qkv", config, codes, part.merging, middle);
}

// GELU's inputs have 16 bits: as many of them are fraction bits as the largest value and the requantization leave.
int gelu_fraction_bits(double largest, const QuantizedLinear &fc1) {
  int fraction_bits = kernels::max_gelu_fraction_bits;
  while (fraction_bits > kernels::min_gelu_fraction_bits &&
         (std::ldexp(1.25 * largest, fraction_bits) > 32767 ||
          std::ldexp(fc1.scale.maxCoeff(), fraction_bits) > largest_factor))
    --fraction_bits;
  return fraction_bits;
}

} // namespace

StreamNode quantize_mlp(PartContext &context, const MlpPart &part, const BlockSamples &samples,
                        const StreamNode &stream, const QuantizeOptions &options,
                        const std::function<StreamCodes(double smallest_scale)> &output) {
  const double largest_scale = std::ldexp(largest_factor, -kernels::min_gelu_fraction_bits);
  const QuantizedLinear fc1 = quantize_normed_linear(
      part.fc1, part.norm, samples_of(samples, SiteKind::norm2_normalized), options, largest_scale);
  context.nodes.layer_norm(part.norm_name, stream, part.norm, fc1.input);
  const double largest = static_cast<double>(samples_of(samples, SiteKind::fc1_output).overall_maximum().maxCoeff());
  const int fraction_bits = gelu_fraction_bits(largest, fc1);
  // GELU's outputs are requantized by an integer multiplier over 2^15 and have integer zero points.
  const double unit = std::ldexp(1.0, 15 - fraction_bits);
  const QuantizedLinear fc2 = quantize_linear(part.fc2, samples_of(samples, SiteKind::gelu_output),
                                              unchanged(part.fc2.weight.cols()), options, [&](ChannelCodes &codes) {
                                                codes.scale = unit / (unit / codes.scale).round().max(1.0).min(32767.0);
                                                codes.zero = codes.zero.round().max(-128.0).min(127.0);
                                              });
  context.nodes.linear_gelu(part.name + ".fc1", part.norm_name, fc1, part.activation, fraction_bits, fc2.input);
  return context.nodes.linear_residual(part.name + ".fc2", part.name + ".fc1", fc2, stream,
                                       output(smallest_stream_scale(fc2)));
}

StreamNode quantize_block(PartContext &context, const BlockPart &part, const StreamNode &stream,
                          const ArrayXd &next_importance) {
  const BlockSamples samples = context.calibration.run_block(part.config, *part.weights, part.kept_rows, part.merging);
  const StreamNode middle = attention_branch(context, part, samples, stream);
  const BlockWeights &block = *part.weights;
  const MlpPart mlp{part.name + ".norm2",  part.name + ".mlp", block.norm2, block.fc1, block.fc2,
                    part.config.activation};
  return quantize_mlp(context, mlp, samples, middle, context.options, [&](double smallest_scale) {
    return choose_stream_codes(context.calibration.stream(), context.options, next_importance, smallest_scale);
  });
}

} // namespace intvit
