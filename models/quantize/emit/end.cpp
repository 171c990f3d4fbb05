#include <cmath>

#include "models/quantize/emit/parts.hpp"
#include "models/quantize/linear/normed_linear.hpp"
#include "models/reference/forward.hpp"
#include "models/reference/layers.hpp"

namespace intvit {

using Eigen::ArrayXd;
using kernels::ElementType;
using reference::Observer;
using reference::SiteKind;

namespace {

BlockSamples run_end(PartContext &context, std::initializer_list<SiteKind> kinds) {
  return context.calibration.run(kinds, [&](const MatrixView &stream, Observer &observer) {
    reference::classify(context.network, stream, &observer);
    return RowMatrix(stream);
  });
}

// One row, of which `normalized` are samples. Features are the same row normalized without being rounded to codes.
void normalize_and_classify(PartContext &context, const StreamNode &input, const SiteSamples &normalized) {
  const EndPart &end = context.network.end;
  const bool has_head = end.classes > 0;
  const int fraction_bits = context.nodes.layer_norm_features(has_head ? "features" : "norm", input, *end.norm);
  context.nodes.set_features(end.channels, fraction_bits, has_head);
  if (!has_head)
    return;
  const QuantizedLinear layer =
      quantize_normed_linear(*end.head, *end.norm, normalized, with_int8_weights(context.options));
  context.nodes.layer_norm("norm", input, *end.norm, layer.input);
  context.nodes.linear_logits("head", "norm", layer);
}

void token_end(PartContext &context, const StreamNode &stream) {
  const BlockSamples samples = run_end(context, {SiteKind::final_normalized});
  normalize_and_classify(context, stream, samples_of(samples, SiteKind::final_normalized));
}

// Codes for the two rows of a pair, one beside the other. Both go through one LayerNorm, which has one requantization a
// channel for them: a channel's codes are made the same in both rows, wide enough for either.
CodeConstraint same_in_both(Eigen::Index channels, const CodeConstraint &expressible) {
  return [channels, expressible](ChannelCodes &codes) {
    const ArrayXd low = codes.scale * (-128 - codes.zero);
    const ArrayXd high = codes.scale * (127 - codes.zero);
    const ArrayXd lowest = low.head(channels).min(low.tail(channels));
    const ArrayXd scale = (high.head(channels).max(high.tail(channels)) - lowest) / 255;
    codes.scale << scale, scale;
    codes.zero.head(channels) = -128 - lowest / scale;
    codes.zero.tail(channels) = codes.zero.head(channels);
    expressible(codes);
  };
}

void token_pair_end(PartContext &context, const StreamNode &stream) {
  const EndPart &end = context.network.end;
  const bool has_head = end.classes > 0;
  const char *feature_norm = has_head ? "feature_norm" : "norm";
  const int fraction_bits = context.nodes.layer_norm_features(feature_norm, stream, *end.norm);
  context.nodes.flatten("features", feature_norm);
  context.nodes.set_features(end.features(), fraction_bits, has_head);
  if (!has_head)
    return;
  const Eigen::Index channels = end.channels;
  context.calibration.run({}, [&](const MatrixView &rows, Observer &) {
    const RowMatrix normalized = reference::normalize(rows, context.network.common.layer_norm_eps);
    return RowMatrix(Eigen::Map<const RowMatrix>(normalized.data(), 1, 2 * channels));
  });
  LayerNormWeights both;
  both.weight = end.norm->weight.replicate(1, 2);
  both.bias = end.norm->bias.replicate(1, 2);
  const QuantizedLinear layer = quantize_linear(
      {end.head->weight, fold_beta(*end.head, both.bias)}, context.calibration.stream(), {both.weight, both.bias},
      with_int8_weights(context.options), same_in_both(channels, norm_constraint(both)));
  context.nodes.layer_norm("norm", stream, *end.norm,
                           {layer.input.scale.head(channels), layer.input.zero.head(channels)});
  context.nodes.flatten("tokens", "norm");
  context.nodes.linear_logits("head", "tokens", layer);
}

void mean_end(PartContext &context, const StreamNode &stream) {
  const EndPart &end = context.network.end;
  const BlockSamples samples = run_end(context, {SiteKind::final_mean, SiteKind::final_normalized});
  const ChannelCodes from{stream.codes.scale(), stream.codes.zero()};
  const StreamNode mean{
      "mean", int16_stream_codes(samples_of(samples, SiteKind::final_mean), from.scale.maxCoeff() / end.rows / 0.4)};
  const ArrayXd ratio = from.scale / mean.codes.scale();
  context.nodes.mean_rows(mean.name, stream.name, end.first, end.rows,
                          fixed_point(ratio / end.rows, -ratio * from.zero), ElementType::int16);
  normalize_and_classify(context, mean, samples_of(samples, SiteKind::final_normalized));
}

// The norm writes 16-bit codes, so that only their mean is rounded to what the head reads. beta is added to the mean.
void normed_mean_end(PartContext &context, const StreamNode &stream) {
  const EndPart &end = context.network.end;
  const LayerNormWeights &norm = *end.norm;
  const BlockSamples samples = run_end(context, {SiteKind::final_normalized, SiteKind::final_mean});
  const SiteSamples &normalized = samples_of(samples, SiteKind::final_normalized);
  SiteSamples scaled; // their ranges alone: codes of 16 bits follow from nothing else
  for (std::size_t half = 0; half < 2; ++half) {
    scaled.minimum[half] = normalized.minimum[half] * norm.weight.asDiagonal();
    scaled.maximum[half] = normalized.maximum[half] * norm.weight.asDiagonal();
  }
  LayerNormWeights without_beta = norm;
  without_beta.bias.setZero();
  const StreamNode tokens = context.nodes.layer_norm_stream("norm", stream, without_beta,
                                                            int16_stream_codes(scaled, smallest_stream_scale(norm)));

  // Of the sum of the rows' codes.
  const ArrayXd factor = ArrayXd::Constant(end.channels, tokens.codes.base_scale / end.rows);
  const ArrayXd beta = to_array(norm.bias);
  const bool has_head = end.classes > 0;
  const int fraction_bits = output_fraction_bits(factor);
  const double unit = std::ldexp(1.0, fraction_bits);
  context.nodes.mean_rows("features", "norm", end.first, end.rows, fixed_point(factor * unit, beta * unit),
                          ElementType::int32);
  context.nodes.set_features(end.channels, fraction_bits, has_head);
  if (!has_head)
    return;
  const QuantizedLinear layer =
      quantize_linear(*end.head, samples_of(samples, SiteKind::final_mean), unchanged(end.channels),
                      with_int8_weights(context.options), requantizable(factor));
  context.nodes.mean_rows("mean", "norm", end.first, end.rows,
                          fixed_point(factor / layer.input.scale, beta / layer.input.scale + layer.input.zero),
                          ElementType::int8);
  context.nodes.linear_logits("head", "mean", layer);
}

} // namespace

void quantize_end(PartContext &context, const StreamNode &stream) {
  switch (context.network.end.pool) {
  case Pool::token:
    return token_end(context, stream);
  case Pool::token_pair:
    return token_pair_end(context, stream);
  case Pool::mean:
    return mean_end(context, stream);
  case Pool::normed_mean:
    return normed_mean_end(context, stream);
  }
}

} // namespace intvit
