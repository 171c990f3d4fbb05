#include <array>
#include <cmath>
#include <optional>
#include <string>

#include "models/quantize/emit/importance.hpp"
#include "models/quantize/emit/stream_maps.hpp"
#include "models/quantize/linear/normed_linear.hpp"
#include "models/reference/attention.hpp"

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
                          part.kept_rows, reference::padding_tokens(part.config, block).row(0));
  context.nodes.layer_norm(attn + ".norm", attended, block.attention_norm, proj.input);
  return proj;
}

// How many patches a token of the block may stand for: every other one stands for one at least.
int largest_token_size(const PartContext &context, const BlockConfig &config) {
  const int first_tokens = context.network.embedding.prefix_tokens + context.network.common.patches();
  if (config.windows || config.bias_grid)
    return 1;
  return context.options.any_token_size ? first_tokens : first_tokens - config.tokens + 1;
}

// The samples of what each of the block's maps reads.
void weigh_samples(BlockSamples &samples, const PartContext &context, const BlockPart &part, int index) {
  for (auto &[kind, site] : samples)
    for (const auto &[input, map] :
         {std::pair(part.config.post_norms ? SiteKind::block_input : SiteKind::norm1_normalized, BlockMap::qkv),
          {part.config.attention_norm ? SiteKind::attention_normalized : SiteKind::attention_output, BlockMap::proj},
          {part.config.post_norms ? SiteKind::block_middle : SiteKind::norm2_normalized, BlockMap::fc1},
          {part.config.mlp.normed ? SiteKind::hidden_normalized : SiteKind::gelu_output, BlockMap::fc2}})
      if (kind == input && context.costs != nullptr) {
        const bool behind_merging = map == BlockMap::fc1 || map == BlockMap::fc2;
        const bool merged =
            part.config.tokens < context.costs->tokens(index) || (behind_merging && part.merging.pairs > 0);
        context.costs->weigh(site, index, map, merged);
      } else if (kind == input && context.network.end.reads_class_token()) {
        site.weigh_class_token();
      }
}

// Queries, keys and values: the node that attention reads, and what its codes stand for.
struct QueriesKeysValues {
  std::string node;
  AttentionCodes codes;
};

// Of queries and keys at the lengths of cosine attention. They are taken of codes of 16 bits with one scale, which
// does not matter to their directions.
QueriesKeysValues unit_queries(PartContext &context, const BlockPart &part, const BlockSamples &samples,
                               const StreamMap &map, const ScoreBiases &biases) {
  const std::string attn = part.name + ".attn";
  const Eigen::Index channels = part.weights->proj.weight.cols();
  const Eigen::Index head_dim = channels / part.config.heads;
  const double root = std::sqrt(static_cast<double>(head_dim));
  const std::array<const SiteSamples *, 3> parts = {&samples_of(samples, SiteKind::query),
                                                    &samples_of(samples, SiteKind::key),
                                                    &samples_of(samples, SiteKind::value)};
  const StreamNode qkv = context.nodes.linear_stream(
      attn + ".qkv", map.input, map.layer, int16_stream_codes(side_by_side(parts), smallest_stream_scale(map.layer)));
  // What 1 stands for in a normalized query or key, which has 16 fraction bits and, over all channels of the head, a
  // mean square of 1; and in a value.
  ArrayXd scale(3 * channels);
  for (Eigen::Index c = 0; c < channels; ++c)
    scale[c] = static_cast<double>(part.weights->cosine_scale[c / head_dim]) * quotient_unit;
  scale.segment(channels, channels).setConstant(quotient_unit / root);
  scale.tail(channels) = qkv.codes.scale().tail(channels);
  QueriesKeysValues result{attn + ".unit", choose_attention_codes(samples_of(samples, SiteKind::unit_query),
                                                                  samples_of(samples, SiteKind::unit_key), *parts[2],
                                                                  part.config.heads, context.options, scale, biases)};
  context.nodes.normalize_heads(result.node, qkv, part.config, scale, result.codes.side_by_side());
  return result;
}

QueriesKeysValues queries_keys_values(PartContext &context, const BlockPart &part, const BlockSamples &samples,
                                      const StreamNode &stream) {
  const BlockWeights &block = *part.weights;
  const BlockConfig &config = part.config;
  const std::string attn = part.name + ".attn";
  const StreamMap qkv =
      config.post_norms ? quantize_stream_map(context, attn + ".input", block.qkv, nullptr,
                                              samples_of(samples, SiteKind::block_input), stream, context.options)
                        : quantize_stream_map(context, part.name + ".norm1", block.qkv, &block.norm1,
                                              samples_of(samples, SiteKind::norm1_normalized), stream, context.options);
  const ScoreBiases biases{block.position_bias, config.windows && config.windows->shift > 0,
                           largest_token_size(context, config)};
  if (config.cosine)
    return unit_queries(context, part, samples, qkv, biases);
  std::optional<RotatedSamples> rotated;
  if (config.rotation)
    rotated.emplace(
        RotatedSamples{samples_of(samples, SiteKind::rotated_query), samples_of(samples, SiteKind::rotated_key)});
  QueriesKeysValues result{
      attn + ".qkv", choose_attention_codes(samples_of(samples, SiteKind::query), samples_of(samples, SiteKind::key),
                                            samples_of(samples, SiteKind::value), config.heads, context.options,
                                            qkv.layer.scale, biases, rotated ? &*rotated : nullptr)};
  context.nodes.linear(result.node, qkv.input, qkv.layer, result.codes.side_by_side());
  if (config.rotation) {
    context.nodes.rotate(attn + ".rotate", result.node, config.heads, *config.rotation);
    result.node = attn + ".rotate";
  }
  return result;
}

StreamNode attention_branch(PartContext &context, const BlockPart &part, const BlockSamples &samples,
                            const StreamNode &stream) {
  const BlockWeights &block = *part.weights;
  const BlockConfig &config = part.config;
  const std::string attn = part.name + ".attn";
  const QueriesKeysValues qkv = queries_keys_values(context, part, samples, stream);
  const AttentionCodes &codes = qkv.codes;
  const auto plain_projection = [&] {
    QuantizedLinear proj = quantize_linear(block.proj, samples_of(samples, SiteKind::attention_output),
                                           unchanged(block.proj.weight.cols()), context.options,
                                           requantizable(codes.value.scale * quotient_unit));
    context.nodes.attention(attn, qkv.node, config, codes, proj.input, part.kept_rows,
                            reference::padding_tokens(config, block).row(0));
    return proj;
  };
  const QuantizedLinear proj =
      config.attention_norm ? normed_projection(context, part, samples, codes, qkv.node) : plain_projection();
  const StreamNode rows = part.kept_rows > 0 ? context.nodes.take_rows("head_tokens", stream, part.kept_rows) : stream;
  const std::string attended = config.attention_norm ? attn + ".norm" : attn;
  std::optional<BranchNorm> norm;
  if (config.post_norms)
    norm.emplace(BranchNorm{part.name + ".norm1", attn + ".sum", block.norm1,
                            samples_of(samples, SiteKind::attention_branch),
                            samples_of(samples, SiteKind::attention_added)});
  StreamNode middle =
      add_branch(context, attn + ".proj", attended, proj, norm ? &*norm : nullptr, rows, [&](double smallest_scale) {
        return choose_stream_codes(samples_of(samples, SiteKind::block_middle), context.options,
                                   middle_importance(part), smallest_scale);
      });
  if (part.merging.pairs == 0)
    return middle;
  return context.nodes.merge_tokens(part.name, attn + ".qkv", config, codes, part.merging, middle);
}

} // namespace

StreamNode quantize_block(PartContext &context, const BlockPart &part, int index, const StreamNode &stream,
                          const ArrayXd &next_importance) {
  BlockSamples samples = context.calibration.run_block(part.config, *part.weights, part.kept_rows, part.merging);
  if (context.options.error_measure != ErrorMeasure::layer)
    weigh_samples(samples, context, part, index);
  const StreamNode middle = attention_branch(context, part, samples, stream);
  const BlockWeights &block = *part.weights;
  const MlpPart mlp{part.name + ".norm2",
                    part.name + ".mlp",
                    block.norm2,
                    block.fc1,
                    block.fc2,
                    part.config.activation,
                    part.config.mlp.gated ? &block.gate : nullptr,
                    part.config.mlp.normed ? &block.mlp_norm : nullptr,
                    part.config.post_norms};
  return quantize_mlp(context, mlp, samples, middle, context.options, [&](double smallest_scale) {
    return choose_stream_codes(context.calibration.stream(), context.options, next_importance, smallest_scale);
  });
}

} // namespace intvit
