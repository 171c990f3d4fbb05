#include <optional>
#include <string>

#include "models/quantize/emit/importance.hpp"
#include "models/quantize/emit/parts.hpp"
#include "models/quantize/linear/normed_linear.hpp"

namespace intvit {

using Eigen::ArrayXd;
using reference::BlockMap;
using reference::SiteKind;

namespace {

// 8-bit codes as LayerNorm reads them: powers of two between channels, integer zero points.
QuantizeOptions narrow_stream(QuantizeOptions options) {
  options.residual = ResidualFormat::ptf8;
  return options;
}

// What attention gives, normalized, and the map that reads it.
QuantizedLinear normed_projection(PartContext &context, const BlockPart &part, const BlockSamples &samples,
                                  const AttentionCodes &codes, const std::string &input) {
  const BlockWeights &block = *part.weights;
  const std::string attn = part.name + ".attn";
  QuantizedLinear proj = quantize_normed_linear(block.proj, block.attention_norm,
                                                samples_of(samples, SiteKind::attention_normalized), context.options);
  const double smallest = (codes.value.scale * quotient_unit).maxCoeff() / 0.49;
  const StreamNode attended{attn, choose_stream_codes(samples_of(samples, SiteKind::attention_output),
                                                      narrow_stream(context.options),
                                                      stream_importance(block.attention_norm, block.proj), smallest)};
  context.nodes.attention(attn, input, part.config, codes, {attended.codes.scale(), attended.codes.zero()},
                          part.kept_rows);
  context.nodes.layer_norm(attn + ".norm", attended, block.attention_norm, proj.input);
  return proj;
}

// How many patches a token of the block may stand for: every other one stands for one at least.
int largest_token_size(const PartContext &context, const BlockConfig &config) {
  const int first_tokens = context.network.embedding.prefix_tokens + context.network.common.patches();
  if (config.windows)
    return 1;
  return context.options.any_token_size ? first_tokens : first_tokens - config.tokens + 1;
}

// What each of the block's maps reads.
void weigh(BlockSamples &samples, const BlockPart &part, int index, const ErrorCosts &costs) {
  const int tokens = costs.tokens(index);
  for (auto &[kind, site] : samples)
    for (const auto &[input, map] :
         {std::pair(SiteKind::norm1_normalized, BlockMap::qkv),
          {part.config.attention_norm ? SiteKind::attention_normalized : SiteKind::attention_output, BlockMap::proj},
          {SiteKind::norm2_normalized, BlockMap::fc1},
          {part.config.mlp.normed ? SiteKind::hidden_normalized : SiteKind::gelu_output, BlockMap::fc2}})
      if (kind == input) {
        const bool behind_merging = map == BlockMap::fc1 || map == BlockMap::fc2;
        const bool merged = part.config.tokens < tokens || (behind_merging && part.merging.pairs > 0);
        costs.weigh(site, index, map, merged);
      }
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
      {block.position_bias, config.windows && config.windows->shift > 0, largest_token_size(context, config)},
      rotated ? &*rotated : nullptr);
  context.nodes.linear(attn + ".qkv", part.name + ".norm1", qkv, codes.side_by_side());
  std::string attention_input = attn + ".qkv";
  if (config.rotation) {
    context.nodes.rotate(attn + ".rotate", attention_input, config.heads, *config.rotation);
    attention_input = attn + ".rotate";
  }
  const auto plain_projection = [&] {
    QuantizedLinear proj = quantize_linear(block.proj, samples_of(samples, SiteKind::attention_output),
                                           unchanged(block.proj.weight.cols()), context.options,
                                           requantizable(codes.value.scale * quotient_unit));
    context.nodes.attention(attn, attention_input, config, codes, proj.input, part.kept_rows);
    return proj;
  };
  const QuantizedLinear proj =
      config.attention_norm ? normed_projection(context, part, samples, codes, attention_input) : plain_projection();
  const StreamNode rows = part.kept_rows > 0 ? context.nodes.take_rows("head_tokens", stream, part.kept_rows) : stream;
  StreamNode middle = context.nodes.linear_residual(
      attn + ".proj", config.attention_norm ? attn + ".norm" : attn, proj, rows,
      choose_stream_codes(samples_of(samples, SiteKind::block_middle), context.options,
                          stream_importance(block.norm2, read_by_mlp(block)), smallest_stream_scale(proj)));
  if (part.merging.pairs == 0)
    return middle;
  return context.nodes.merge_tokens(part.name, attn + ".qkv", config, codes, part.merging, middle);
}

} // namespace

StreamNode quantize_block(PartContext &context, const BlockPart &part, int index, const StreamNode &stream,
                          const ArrayXd &next_importance) {
  BlockSamples samples = context.calibration.run_block(part.config, *part.weights, part.kept_rows, part.merging);
  if (context.costs != nullptr)
    weigh(samples, part, index, *context.costs);
  const StreamNode middle = attention_branch(context, part, samples, stream);
  const BlockWeights &block = *part.weights;
  const MlpPart mlp{part.name + ".norm2",
                    part.name + ".mlp",
                    block.norm2,
                    block.fc1,
                    block.fc2,
                    part.config.activation,
                    part.config.mlp.gated ? &block.gate : nullptr,
                    part.config.mlp.normed ? &block.mlp_norm : nullptr};
  return quantize_mlp(context, mlp, samples, middle, context.options, [&](double smallest_scale) {
    return choose_stream_codes(context.calibration.stream(), context.options, next_importance, smallest_scale);
  });
}

} // namespace intvit
