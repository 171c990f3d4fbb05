#include <cmath>

#include "models/quantize/attention/attention_codes.hpp"
#include "models/quantize/emit/parts.hpp"
#include "models/quantize/linear/normed_linear.hpp"
#include "models/reference/forward.hpp"
#include "models/reference/layers.hpp"

namespace intvit {

using Eigen::ArrayXd;
using kernels::ElementType;
using reference::Observer;
using reference::SiteKind;
using reference::TokenStream;

namespace {

BlockSamples run_end(PartContext &context, std::initializer_list<SiteKind> kinds) {
  return context.calibration.run(kinds, [&](const TokenStream &stream, Observer &observer) {
    reference::classify(context.network, stream, &observer);
    return stream.rows;
  });
}

MeanOf mean_of(const EndPart &end) {
  return {end.first, end.rows, end.tokens(), end.merged_from > 0};
}

// Logits of the features, which the node "features" gives, at length 1.
void unit_head(PartContext &context) {
  const EndPart &end = context.network.end;
  const BlockSamples samples = run_end(context, {SiteKind::unit_features});
  const QuantizedLinear layer = quantize_linear(*end.head, samples_of(samples, SiteKind::unit_features),
                                                unchanged(end.features()), with_int8_weights(context.options),
                                                requantizable(ArrayXd::Constant(end.features(), quotient_unit)));
  context.nodes.l2_normalize("unit", "features", layer.input);
  context.nodes.linear_logits("head", "unit", layer);
}

// The features of a pooled row and what follows them. `Row` says how the row is written.
template <class Row> void classify(PartContext &context, const Row &row) {
  const EndPart &end = context.network.end;
  const bool has_head = end.classes > 0;
  if (end.projection > 0) {
    const QuantizedLinear layer = row.quantized(*end.projected);
    row.write_codes("pooled", layer.input);
    const int fraction_bits = context.nodes.linear_features("features", "pooled", layer);
    context.nodes.set_features(end.projection, fraction_bits, has_head);
    if (has_head)
      unit_head(context);
    return;
  }
  const int fraction_bits = row.write_features(has_head ? "features" : "norm");
  context.nodes.set_features(end.channels, fraction_bits, has_head);
  if (!has_head)
    return;
  if (end.unit_length)
    return unit_head(context);
  const QuantizedLinear layer = row.quantized(*end.head);
  row.write_codes("norm", layer.input);
  context.nodes.linear_logits("head", "norm", layer);
}

// One row of a stream, of which `normalized` are samples, normalized. Features are not rounded to codes.
struct NormedRow {
  PartContext &context;
  const StreamNode &input;
  const SiteSamples &normalized;

  const LayerNormWeights &norm() const { return *context.network.end.norm; }

  QuantizedLinear quantized(const LinearWeights &layer) const {
    return quantize_normed_linear(layer, norm(), normalized, with_int8_weights(context.options));
  }
  void write_codes(const std::string &name, const ChannelCodes &codes) const {
    context.nodes.layer_norm(name, input, norm(), codes);
  }
  int write_features(const std::string &name) const { return context.nodes.layer_norm_features(name, input, norm()); }
};

// The mean of rows of a stream, or a row alone, as it is; `samples` are of it.
struct MeanRow {
  PartContext &context;
  const StreamNode &input;
  MeanOf mean;
  const SiteSamples &samples;

  // Of the sum of the rows' codes.
  ArrayXd factor() const { return input.codes.scale() / mean.tokens; }
  ArrayXd zero() const { return -input.codes.scale() * input.codes.zero(); }

  QuantizedLinear quantized(const LinearWeights &layer) const {
    return quantize_linear(layer, samples, unchanged(context.network.end.channels), with_int8_weights(context.options),
                           requantizable(factor()));
  }
  void write_codes(const std::string &name, const ChannelCodes &codes) const {
    context.nodes.mean_rows(name, input.name, mean,
                            fixed_point(factor() / codes.scale, zero() / codes.scale + codes.zero), ElementType::int8);
  }
  int write_features(const std::string &name) const {
    const int fraction_bits = output_fraction_bits(factor());
    const double unit = std::ldexp(1.0, fraction_bits);
    context.nodes.mean_rows(name, input.name, mean, fixed_point(factor() * unit, zero() * unit), ElementType::int32);
    return fraction_bits;
  }
};

void token_end(PartContext &context, const StreamNode &stream) {
  const BlockSamples samples = run_end(context, {SiteKind::final_normalized});
  classify(context, NormedRow{context, stream, samples_of(samples, SiteKind::final_normalized)});
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
  if (end.unit_length)
    return unit_head(context);
  const Eigen::Index channels = end.channels;
  context.calibration.run({}, [&](const TokenStream &tokens, Observer &) {
    const RowMatrix normalized =
        reference::normalize(tokens.rows, context.network.common.layer_norm_eps, context.network.common.centred_norms);
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
  const StreamNode mean{"mean", int16_stream_codes(samples_of(samples, SiteKind::final_mean),
                                                   from.scale.maxCoeff() / end.tokens() / 0.4)};
  const ArrayXd ratio = from.scale / mean.codes.scale();
  context.nodes.mean_rows(mean.name, stream.name, mean_of(end), fixed_point(ratio / end.tokens(), -ratio * from.zero),
                          ElementType::int16);
  classify(context, NormedRow{context, mean, samples_of(samples, SiteKind::final_normalized)});
}

void raw_mean_end(PartContext &context, const StreamNode &stream) {
  const EndPart &end = context.network.end;
  const BlockSamples samples = run_end(context, {SiteKind::final_mean});
  classify(context, MeanRow{context, stream, mean_of(end), samples_of(samples, SiteKind::final_mean)});
}

// A linear map to keys and values with one to queries in front, which gives the same query whatever the input.
QuantizedLinear with_query(const QuantizedLinear &key_value, const RowVector &query) {
  const Eigen::Index channels = query.size();
  QuantizedLinear result = key_value;
  result.weights.insert(result.weights.begin(), static_cast<std::size_t>(channels * channels), 0);
  result.scale.resize(3 * channels);
  result.scale << ArrayXd::Zero(channels), key_value.scale;
  result.bias.resize(3 * channels);
  result.bias << to_array(query), key_value.bias;
  return result;
}

// A query that is known: no image has another one, and its codes need not reach further on either side.
SiteSamples samples_of_query(const RowVector &query, const SiteSamples &keys) {
  SiteSamples result;
  for (std::size_t half = 0; half < 2; ++half) {
    result.rows[half] = query.replicate(keys.rows[half].rows(), 1);
    result.maximum[half] = query.cwiseAbs().replicate(keys.maximum[half].rows(), 1);
    result.minimum[half] = -result.maximum[half];
  }
  return result;
}

// What is taken off the scores of prefix tokens that a pooling does not attend to: they then weigh nothing.
constexpr float left_out = 60;

// An attention over all tokens whose scores leave the prefix out: biases of a grid, which are 0 but for the query,
// which stands before the patches, and what stands there with it.
RowMatrix biases_without_prefix(const BiasGrid &grid, int heads) {
  RowMatrix biases = RowMatrix::Zero(heads, grid.biases());
  biases.rightCols(1).setConstant(-left_out);
  return biases;
}

// Attention as in a block, of which one query is wanted; then an MLP on what it gives.
void attention_end(PartContext &context, const StreamNode &stream) {
  const EndPart &end = context.network.end;
  const AttentionPoolWeights &pool = *end.attention;
  const QuantizeOptions options = with_int8_weights(context.options);
  const BlockSamples samples =
      run_end(context, {SiteKind::final_normalized, SiteKind::key, SiteKind::value, SiteKind::attention_output,
                        SiteKind::block_middle, SiteKind::norm2_normalized, SiteKind::fc1_output, SiteKind::gelu_output,
                        SiteKind::pooled});
  const QuantizedLinear qkv = with_query(
      quantize_normed_linear(pool.key_value, *end.norm, samples_of(samples, SiteKind::final_normalized), options),
      pool.query);
  context.nodes.layer_norm("attn_pool.norm", stream, *end.norm, qkv.input);
  const SiteSamples &keys = samples_of(samples, SiteKind::key);
  BlockConfig block = end.pool_block;
  ScoreBiases biases{.largest_size = context.options.any_token_size ? end.tokens() : end.tokens() - end.rows + 1};
  if (end.first > 0) {
    block.bias_grid = BiasGrid{context.network.common.grid_height(), context.network.common.grid_width()};
    biases = {.values = biases_without_prefix(*block.bias_grid, block.heads)};
  }
  const AttentionCodes codes =
      choose_attention_codes(samples_of_query(pool.query, keys), keys, samples_of(samples, SiteKind::value),
                             block.heads, options, qkv.scale, biases);
  context.nodes.linear("attn_pool.qkv", "attn_pool.norm", qkv, codes.side_by_side());
  const QuantizedLinear proj =
      quantize_linear(pool.proj, samples_of(samples, SiteKind::attention_output), unchanged(end.channels), options,
                      requantizable(codes.value.scale * quotient_unit));
  context.nodes.attention("attn_pool", "attn_pool.qkv", block, codes, proj.input, 1, {});
  const StreamNode attended = context.nodes.linear_stream(
      "attn_pool.proj", "attn_pool", proj,
      int16_stream_codes(samples_of(samples, SiteKind::block_middle), smallest_stream_scale(proj)));
  const MlpPart mlp{"attn_pool.norm2", "attn_pool.mlp", pool.norm2, pool.fc1, pool.fc2, end.pool_block.activation};
  const SiteSamples &pooled = samples_of(samples, SiteKind::pooled);
  const StreamNode row = quantize_mlp(context, mlp, samples, attended, options, [&](double smallest_scale) {
    return int16_stream_codes(pooled, smallest_scale);
  });
  classify(context, MeanRow{context, row, {}, pooled});
}

// The last norm, its beta left out, as codes of 16 bits.
StreamNode wide_norm(PartContext &context, const StreamNode &stream, const SiteSamples &normalized) {
  const LayerNormWeights &norm = *context.network.end.norm;
  SiteSamples scaled; // their ranges alone: codes of 16 bits follow from nothing else
  for (std::size_t half = 0; half < 2; ++half) {
    scaled.minimum[half] = normalized.minimum[half] * norm.weight.asDiagonal();
    scaled.maximum[half] = normalized.maximum[half] * norm.weight.asDiagonal();
  }
  LayerNormWeights without_beta = norm;
  without_beta.bias.setZero();
  return context.nodes.layer_norm_stream("norm", stream, without_beta,
                                         int16_stream_codes(scaled, smallest_stream_scale(norm)));
}

// The class token and the mean of the patches side by side: both are means of rows of what the norm writes.
struct TokenBesideMean {
  PartContext &context;
  ArrayXd scale; // of the norm's codes
  ArrayXd beta;

  MeanOf token() const { return {context.network.end.first, 1, 1, false}; }
  MeanOf patches() const {
    const EndPart &end = context.network.end;
    return {end.first + end.patches, end.rows - end.patches, end.tokens() - end.patches, end.merged_from > 0};
  }
  // Of the sums of codes, of the token and then of the patches.
  ArrayXd factors() const {
    ArrayXd both(2 * scale.size());
    both << scale, scale / patches().tokens;
    return both;
  }
  void write(const std::string &name, const ChannelCodes &codes, ElementType type) const {
    write_half(name + ".token", token(), 0, codes, type);
    write_half(name + ".mean", patches(), scale.size(), codes, type);
    context.nodes.join(name, name + ".token", name + ".mean");
  }

private:
  // `first`: of its channels among both.
  void write_half(const std::string &name, const MeanOf &mean, Eigen::Index first, const ChannelCodes &codes,
                  ElementType type) const {
    const ArrayXd to = codes.scale.segment(first, scale.size());
    const ArrayXd zero = codes.zero.segment(first, scale.size());
    context.nodes.mean_rows(name, "norm", mean, fixed_point(scale / mean.tokens / to, beta / to + zero), type);
  }
};

void token_mean_end(PartContext &context, const StreamNode &stream) {
  const EndPart &end = context.network.end;
  const bool has_head = end.classes > 0;
  const BlockSamples samples = run_end(context, {SiteKind::final_normalized, SiteKind::token_and_mean});
  const StreamNode tokens = wide_norm(context, stream, samples_of(samples, SiteKind::final_normalized));
  const TokenBesideMean both{context, ArrayXd::Constant(end.channels, tokens.codes.base_scale),
                             to_array(end.norm->bias)};
  const Eigen::Index width = end.features();
  const int fraction_bits = output_fraction_bits(both.scale);
  both.write("features", {ArrayXd::Constant(width, std::ldexp(1.0, -fraction_bits)), ArrayXd::Zero(width)},
             ElementType::int32);
  context.nodes.set_features(width, fraction_bits, has_head);
  if (!has_head)
    return;
  const QuantizedLinear layer =
      quantize_linear(*end.head, samples_of(samples, SiteKind::token_and_mean), unchanged(width),
                      with_int8_weights(context.options), requantizable(both.factors()));
  both.write("pooled", layer.input, ElementType::int8);
  context.nodes.linear_logits("head", "pooled", layer);
}

// The norm writes 16-bit codes, so that only their mean is rounded to what the head reads. beta is added to the mean.
void normed_mean_end(PartContext &context, const StreamNode &stream) {
  const EndPart &end = context.network.end;
  const LayerNormWeights &norm = *end.norm;
  const BlockSamples samples = run_end(context, {SiteKind::final_normalized, SiteKind::final_mean});
  const StreamNode tokens = wide_norm(context, stream, samples_of(samples, SiteKind::final_normalized));

  // Of the sum of the rows' codes.
  const ArrayXd factor = ArrayXd::Constant(end.channels, tokens.codes.base_scale / end.tokens());
  const ArrayXd beta = to_array(norm.bias);
  const bool has_head = end.classes > 0;
  const int fraction_bits = output_fraction_bits(factor);
  const double unit = std::ldexp(1.0, fraction_bits);
  context.nodes.mean_rows("features", "norm", mean_of(end), fixed_point(factor * unit, beta * unit),
                          ElementType::int32);
  context.nodes.set_features(end.channels, fraction_bits, has_head);
  if (!has_head)
    return;
  if (end.unit_length)
    return unit_head(context);
  const QuantizedLinear layer =
      quantize_linear(*end.head, samples_of(samples, SiteKind::final_mean), unchanged(end.channels),
                      with_int8_weights(context.options), requantizable(factor));
  context.nodes.mean_rows("mean", "norm", mean_of(end),
                          fixed_point(factor / layer.input.scale, beta / layer.input.scale + layer.input.zero),
                          ElementType::int8);
  context.nodes.linear_logits("head", "mean", layer);
}

// All tokens, normalized; then the rows that the pool reads, if those are the first.
StreamNode patch_tokens(PartContext &context, const StreamNode &stream) {
  const EndPart &end = context.network.end;
  const int fraction_bits = context.nodes.layer_norm_features("patch_tokens", stream, *end.norm);
  context.nodes.set_patch_tokens(fraction_bits);
  const int read = end.first + end.rows;
  return read <= context.network.embedding.prefix_tokens ? context.nodes.take_rows("head_tokens", stream, read)
                                                         : stream;
}

} // namespace

void quantize_end(PartContext &context, const StreamNode &last) {
  const StreamNode stream = context.network.end.patch_tokens ? patch_tokens(context, last) : last;
  switch (context.network.end.pool) {
  case Pool::token:
    return token_end(context, stream);
  case Pool::token_mean:
    return token_mean_end(context, stream);
  case Pool::token_pair:
    return token_pair_end(context, stream);
  case Pool::mean:
    return mean_end(context, stream);
  case Pool::normed_mean:
    return normed_mean_end(context, stream);
  case Pool::raw_mean:
  case Pool::raw_token:
    return raw_mean_end(context, stream);
  case Pool::attention:
    return attention_end(context, stream);
  }
}

} // namespace intvit
