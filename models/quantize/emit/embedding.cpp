#include "models/quantize/emit/parts.hpp"
#include "models/quantize/linear/normed_linear.hpp"
#include "models/quantize/linear/pixel_linear.hpp"
#include "models/reference/forward.hpp"

namespace intvit {

using Eigen::ArrayXd;
using reference::Observer;
using reference::SiteKind;

namespace {

BlockSamples emit_tokens(PartContext &context, std::initializer_list<SiteKind> kinds) {
  return context.calibration.embed(kinds, [&](const Image &image, Observer &observer) {
    return reference::embed(context.network, reference::extract_patches(context.network.common, image), &observer);
  });
}

StreamNode positioned(PartContext &context, const QuantizedLinear &layer, const ArrayXd &next_importance) {
  const EmbeddingPart &part = context.network.embedding;
  emit_tokens(context, {});
  StreamCodes codes =
      choose_stream_codes(context.calibration.stream(), context.options, next_importance, smallest_stream_scale(layer));
  context.nodes.patches("patches", context.network.common.patch);
  return context.nodes.patch_embed("patch_embed", "patches", layer, *part.position, *part.prefix, std::move(codes));
}

// The patches' projection has codes of 16 bits: its LayerNorm makes up for any scale.
StreamNode normalized(PartContext &context, const QuantizedLinear &layer, const ArrayXd &next_importance) {
  const LayerNormWeights &norm = *context.network.embedding.norm;
  const BlockSamples samples = emit_tokens(context, {SiteKind::embedding});
  context.nodes.patches("patches", context.network.common.patch);
  const StreamNode projected = context.nodes.linear_stream(
      "patch_embed.proj", "patches", layer,
      int16_stream_codes(samples_of(samples, SiteKind::embedding), smallest_stream_scale(layer)));
  return context.nodes.layer_norm_stream(
      "patch_embed.norm", projected, norm,
      choose_stream_codes(context.calibration.stream(), context.options, next_importance, smallest_stream_scale(norm)));
}

// The tokens have codes of 16 bits, for the same reason.
StreamNode pre_normed(PartContext &context, const QuantizedLinear &layer, const ArrayXd &next_importance) {
  const EmbeddingPart &part = context.network.embedding;
  const BlockSamples samples = emit_tokens(context, {SiteKind::embedding});
  context.nodes.patches("patches", context.network.common.patch);
  const StreamNode tokens = context.nodes.patch_embed(
      "patch_embed", "patches", layer, *part.position, *part.prefix,
      int16_stream_codes(samples_of(samples, SiteKind::embedding), smallest_stream_scale(layer)));
  return context.nodes.layer_norm_stream("norm_pre", tokens, *part.norm,
                                         choose_stream_codes(context.calibration.stream(), context.options,
                                                             next_importance, smallest_stream_scale(*part.norm)));
}

// The normalized patches' codes are mapped by gamma on a diagonal, for it is patch_embed that adds positions.
StreamNode normed_patches(PartContext &context, const QuantizedLinear &layer, const ArrayXd &next_importance) {
  const EmbeddingPart &part = context.network.embedding;
  const BlockSamples samples = emit_tokens(context, {SiteKind::embedding, SiteKind::embedding_normalized});
  context.nodes.patches("patches", context.network.common.patch);
  const StreamNode projected = context.nodes.linear_stream(
      "patch_embed.proj", "patches", layer,
      int16_stream_codes(samples_of(samples, SiteKind::embedding), smallest_stream_scale(layer)));
  const LinearWeights diagonal{RowMatrix::Identity(part.channels, part.channels), RowVector::Zero(part.channels)};
  const QuantizedLinear gains = quantize_normed_linear(
      diagonal, *part.norm, samples_of(samples, SiteKind::embedding_normalized), with_int8_weights(context.options));
  context.nodes.layer_norm("patch_embed.norm", projected, *part.norm, gains.input);
  return context.nodes.patch_embed("patch_embed", "patch_embed.norm", gains, *part.position, *part.prefix,
                                   choose_stream_codes(context.calibration.stream(), context.options, next_importance,
                                                       smallest_stream_scale(gains)));
}

} // namespace

StreamNode quantize_embedding(PartContext &context, const ArrayXd &next_importance) {
  const QuantizedLinear layer =
      quantize_pixel_linear(*context.network.embedding.patch_embed, context.network.common, context.options);
  if (context.network.embedding.normalized)
    return normalized(context, layer, next_importance);
  if (context.network.embedding.normed_patches)
    return normed_patches(context, layer, next_importance);
  return context.network.embedding.pre_norm ? pre_normed(context, layer, next_importance)
                                            : positioned(context, layer, next_importance);
}

} // namespace intvit
