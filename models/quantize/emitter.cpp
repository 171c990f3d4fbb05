#include "models/quantize/emitter.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/attention.hpp"
#include "kernels/gelu.hpp"
#include "kernels/layer_norm.hpp"
#include "models/quantize/stlq.hpp"

namespace intvit {

using Eigen::ArrayXd;
using kernels::Epilogue;
using reference::SiteKind;

namespace {

ArrayXd column_norms(const RowMatrix &weight) {
  return weight.colwise().squaredNorm().transpose().array().cast<double>();
}

Affine unchanged(Eigen::Index channels) {
  return {RowVector::Ones(channels), {}};
}

} // namespace

ArrayXd to_array(const RowVector &values) {
  return values.transpose().array().cast<double>();
}

ArrayXd stream_importance(const LayerNormWeights &norm, const LinearWeights &next) {
  ArrayXd gain = to_array(norm.weight).square();
  if (next.weight.size() == 0)
    return gain;
  const ArrayXd cost = column_norms(next.weight);
  ArrayXd importance = ArrayXd::Zero(gain.size());
  for (Eigen::Index first = 0; first < cost.size(); first += gain.size())
    importance += gain * cost.segment(first, gain.size());
  return importance;
}

CodeConstraint norm_constraint(const LayerNormWeights &norm) {
  return requantizable(to_array(norm.weight) * quotient_unit);
}

double smallest_stream_scale(const QuantizedLinear &layer) {
  return layer.scale.maxCoeff() / 0.4;
}

QuantizedLinear quantize_after_norm(const LinearWeights &layer, const LayerNormWeights &norm,
                                    const SiteSamples &normalized, const QuantizeOptions &options,
                                    double largest_scale) {
  return quantize_linear({layer.weight, fold_beta(layer, norm.bias), layer.stlq_unit}, normalized,
                         {norm.weight, norm.bias}, options, norm_constraint(norm), largest_scale);
}

Emitter::Emitter(const QuantizeInput &input, const QuantizeOptions &options)
    : calibration(input.calibration, options.threads), options_(options), report_(input.report) {
  const ModelConfig &config = common_config(input.model);
  builder.description.recipe = input.recipe;
  builder.description.labels = input.labels;
  builder.description.provenance = input.provenance;
  builder.description.graph.image_height = config.image_height;
  builder.description.graph.image_width = config.image_width;
}

// Pixels are the first codes: value = pixel, code = pixel - 128. Mean and std are folded into weights and bias:
// w (pixel / 255 - mean) / std.
QuantizedLinear Emitter::pixel_linear(const ModelConfig &config, const LinearWeights &patch_embed) const {
  const int area = config.patch * config.patch;
  LinearWeights folded;
  folded.weight.resize(patch_embed.weight.rows(), patch_embed.weight.cols());
  folded.bias = patch_embed.bias;
  for (int colour = 0; colour < 3; ++colour) {
    const double mean = config.mean[static_cast<std::size_t>(colour)];
    const double std = config.std[static_cast<std::size_t>(colour)];
    for (int pixel = 0; pixel < area; ++pixel) {
      // timm's order is colour, y, x; the image's is y, x, colour.
      const auto from = patch_embed.weight.col(colour * area + pixel);
      folded.weight.col(pixel * 3 + colour) = from * static_cast<float>(1.0 / (255.0 * std));
      folded.bias -= (from * static_cast<float>(mean / std)).transpose();
    }
  }
  return quantize_pixel_linear(folded, options_);
}

void Emitter::block(const std::string &name, const BlockConfig &config, const BlockWeights &weights,
                    const ArrayXd &next_importance, int kept_rows) {
  const BlockSamples samples = calibration.run_block(config, weights, kept_rows);
  attention_branch(name, config, weights, samples, kept_rows);
  mlp_branch(name, config, weights, samples, next_importance);
}

void Emitter::attention_branch(const std::string &name, const BlockConfig &config, const BlockWeights &block,
                               const BlockSamples &samples, int kept_rows) {
  const QuantizedLinear qkv_layer =
      quantize_after_norm(block.qkv, block.norm1, samples_of(samples, SiteKind::norm1_normalized), options_);
  layer_norm(name + ".norm1", stream, block.norm1, config.layer_norm_eps, qkv_layer.input);
  const AttentionCodes codes = choose_attention_codes(
      samples_of(samples, SiteKind::query), samples_of(samples, SiteKind::key), samples_of(samples, SiteKind::value),
      config.heads, options_, qkv_layer.scale, {block.position_bias, config.windows && config.windows->shift > 0});
  qkv(name + ".attn.qkv", name + ".norm1", qkv_layer, codes);
  const QuantizedLinear proj =
      quantize_linear(block.proj, samples_of(samples, SiteKind::attention_output), unchanged(block.proj.weight.cols()),
                      options_, requantizable(codes.value.scale * quotient_unit));
  attention(name + ".attn", name + ".attn.qkv", config, codes, proj.input, kept_rows);
  if (kept_rows > 0) {
    builder.node("head_tokens", stream.name, TakeRows{kept_rows});
    stream.name = "head_tokens";
  }
  add_to_stream(name + ".attn.proj", name + ".attn", proj,
                choose_stream_codes(samples_of(samples, SiteKind::block_middle), options_,
                                    stream_importance(block.norm2, block.fc1), smallest_stream_scale(proj)));
}

void Emitter::mlp_branch(const std::string &name, const BlockConfig &config, const BlockWeights &block,
                         const BlockSamples &samples, const ArrayXd &next_importance) {
  // GELU's inputs have at least so many fraction bits, and the requantization to them must be by less than 0.5.
  const double largest_scale = std::ldexp(0.49, -kernels::min_gelu_fraction_bits);
  const QuantizedLinear fc1_layer = quantize_after_norm(
      block.fc1, block.norm2, samples_of(samples, SiteKind::norm2_normalized), options_, largest_scale);
  layer_norm(name + ".norm2", stream, block.norm2, config.layer_norm_eps, fc1_layer.input);

  // 16-bit inputs of GELU: as many fraction bits as the largest value and the requantization's range leave.
  const double largest = static_cast<double>(samples_of(samples, SiteKind::fc1_output).overall_maximum().maxCoeff());
  int fraction_bits = kernels::max_gelu_fraction_bits;
  while (fraction_bits > kernels::min_gelu_fraction_bits &&
         (std::ldexp(1.25 * largest, fraction_bits) > 32767 ||
          std::ldexp(fc1_layer.scale.maxCoeff(), fraction_bits) > 0.49))
    --fraction_bits;
  const double unit = std::ldexp(1.0, 15 - fraction_bits);
  const QuantizedLinear fc2 = quantize_linear(block.fc2, samples_of(samples, SiteKind::gelu_output),
                                              unchanged(block.fc2.weight.cols()), options_, [&](ChannelCodes &codes) {
                                                codes.scale = unit / (unit / codes.scale).round().max(1.0).min(32767.0);
                                                codes.zero = codes.zero.round().max(-128.0).min(127.0);
                                              });
  fc1(name + ".mlp.fc1", name + ".norm2", fc1_layer, fraction_bits, fc2.input);
  add_to_stream(name + ".mlp.fc2", name + ".mlp.fc1", fc2,
                choose_stream_codes(calibration.stream(), options_, next_importance, smallest_stream_scale(fc2)));
}

void Emitter::layer_norm(const std::string &name, const StreamNode &input, const LayerNormWeights &norm, double eps,
                         const ChannelCodes &output, kernels::ElementType type) {
  const ArrayXd gain = to_array(norm.weight);
  const FixedPoint fixed = fixed_point(gain / output.scale * quotient_unit, output.zero);
  builder.node(name, input.name, LayerNorm{fixed.shift, norm_epsilon(input, gain.size(), eps), type});
  builder.requantization(fixed);
  stream_factors(input.codes);
}

void Emitter::begin_stream(const std::string &name, const StreamNode &input, const LayerNormWeights &norm, double eps,
                           StreamCodes next) {
  const ArrayXd scale = next.scale();
  const FixedPoint fixed =
      fixed_point(to_array(norm.weight) / scale * quotient_unit, to_array(norm.bias) / scale + next.zero());
  LayerNorm operation{fixed.shift, norm_epsilon(input, scale.size(), eps)};
  operation.output_type =
      next.type == kernels::ElementType::int8 ? kernels::ElementType::int8 : kernels::ElementType::int16;
  builder.node(name, input.name, operation);
  builder.requantization(fixed);
  stream_factors(input.codes);
  set_stream(name, std::move(next));
}

StreamNode Emitter::write_stream(const std::string &name, const std::string &input, const QuantizedLinear &layer,
                                 StreamCodes next) {
  const ArrayXd scale = next.scale();
  const FixedPoint fixed = fixed_point(layer.scale / scale, layer.bias / scale + next.zero());
  const Epilogue epilogue = next.type == kernels::ElementType::int8 ? Epilogue::requantize : Epilogue::requantize16;
  builder.node(name, input, Linear{.epilogue = epilogue, .shift = fixed.shift});
  weights(layer);
  builder.requantization(fixed);
  return {name, std::move(next)};
}

void Emitter::set_stream(std::string name, StreamCodes codes) {
  stream = {std::move(name), std::move(codes)};
  if (report_)
    report_({.name = stream.name, .kind = LayerReport::Kind::stream, .signal_to_noise = stream.codes.signal_to_noise});
}

void Emitter::add_to_stream(const std::string &name, const std::string &input, const QuantizedLinear &layer,
                            StreamCodes next) {
  const ArrayXd scale = next.scale();
  const ResidualFixedPoint fixed =
      residual_fixed_point(layer.scale / scale, stream.codes.scale() / scale, stream.codes.zero(),
                           layer.bias / scale + next.zero(), kernels::max_residual_shift(stream.codes.type));
  Linear operation{.epilogue = Epilogue::residual, .shift = fixed.requantization.shift};
  operation.residual_shift = fixed.shift;
  operation.output_type = next.type;
  builder.node(name, {input, stream.name}, operation);
  weights(layer);
  builder.requantization(fixed.requantization);
  builder.constant("residual_multiplier", fixed.multiplier);
  set_stream(name, std::move(next));
}

void Emitter::mean_rows(const std::string &name, const std::string &input, int first, int rows, const FixedPoint &fixed,
                        kernels::ElementType output_type) {
  builder.node(name, input, MeanRows{first, rows, fixed.shift, output_type});
  builder.requantization(fixed);
}

int Emitter::output_fraction_bits(const ArrayXd &factor) {
  int fraction_bits = 16;
  while (fraction_bits > 0 && std::ldexp(factor.abs().maxCoeff(), fraction_bits) > 0.49)
    --fraction_bits;
  return fraction_bits;
}

int Emitter::norm_features(const std::string &name, const StreamNode &input, const LayerNormWeights &norm, double eps) {
  const int fraction_bits = output_fraction_bits(to_array(norm.weight) * quotient_unit);
  const double unit = std::ldexp(1.0, fraction_bits);
  layer_norm(name, input, norm, eps, {ArrayXd::Constant(norm.weight.size(), 1 / unit), to_array(norm.bias) * unit},
             kernels::ElementType::int32);
  return fraction_bits;
}

void Emitter::set_features(Eigen::Index count, int fraction_bits, bool has_head) {
  if (has_head)
    builder.features(static_cast<int>(count), fraction_bits);
  else
    builder.description.graph.logit_fraction_bits = fraction_bits;
}

// The norm writes 16-bit codes, so that only their mean is rounded to what the head reads. beta is added to the mean.
void Emitter::normed_mean_head(const LayerNormWeights &norm, double eps, const LinearWeights &weights, int first,
                               int rows, const BlockSamples &samples) {
  const SiteSamples &normalized = samples_of(samples, SiteKind::final_normalized);
  const ArrayXd gamma = to_array(norm.weight);
  SiteSamples scaled; // of their ranges; codes of 16 bits follow from nothing else
  for (std::size_t half = 0; half < 2; ++half) {
    scaled.minimum[half] = normalized.minimum[half] * norm.weight.asDiagonal();
    scaled.maximum[half] = normalized.maximum[half] * norm.weight.asDiagonal();
  }
  const StreamCodes codes = int16_stream_codes(scaled, gamma.abs().maxCoeff() * quotient_unit / 0.4);
  LayerNormWeights without_beta = norm;
  without_beta.bias.setZero();
  begin_stream("norm", stream, without_beta, eps, codes);
  const ArrayXd factor = ArrayXd::Constant(gamma.size(), codes.base_scale / rows); // of the sum of the rows' codes
  const ArrayXd beta = to_array(norm.bias);
  const bool has_head = weights.weight.size() != 0;
  const int fraction_bits = output_fraction_bits(factor);
  const double unit = std::ldexp(1.0, fraction_bits);
  mean_rows("features", "norm", first, rows, fixed_point(factor * unit, beta * unit), kernels::ElementType::int32);
  set_features(gamma.size(), fraction_bits, has_head);
  if (!has_head)
    return;
  const QuantizedLinear layer =
      quantize_linear(weights, samples_of(samples, SiteKind::final_mean), unchanged(gamma.size()),
                      with_int8_weights(options_), requantizable(factor));
  mean_rows("mean", "norm", first, rows,
            fixed_point(factor / layer.input.scale, beta / layer.input.scale + layer.input.zero),
            kernels::ElementType::int8);
  head("head", "mean", layer);
}

void Emitter::head(const std::string &name, const std::string &input, const QuantizedLinear &layer) {
  const int fraction_bits = output_fraction_bits(layer.scale);
  builder.description.graph.logit_fraction_bits = fraction_bits;
  const double unit = std::ldexp(1.0, fraction_bits);
  const FixedPoint fixed = fixed_point(layer.scale * unit, layer.bias * unit);
  builder.node(name, input, Linear{.epilogue = Epilogue::logits, .shift = fixed.shift});
  weights(layer);
  builder.requantization(fixed);
}

std::int64_t Emitter::norm_epsilon(const StreamNode &input, Eigen::Index channels, double eps) {
  const auto count = static_cast<double>(channels);
  const double base = input.codes.base_scale;
  return static_cast<std::int64_t>(std::min(std::nearbyint(count * count * eps / (base * base)),
                                            static_cast<double>(kernels::max_layer_norm_epsilon)));
}

void Emitter::stream_factors(const StreamCodes &codes) {
  if (codes.type != kernels::ElementType::int8)
    return;
  builder.constant("alpha", codes.alpha);
  builder.constant("zero_point", codes.zero_point);
}

void Emitter::weights(const QuantizedLinear &layer) {
  const auto out = static_cast<std::int64_t>(layer.scale.size());
  if (layer.format == WeightFormat::stlq)
    builder.weights(stlq::words_of(layer.weights, static_cast<int>(out)));
  else
    builder.constant("weight", layer.weights, {out, static_cast<std::int64_t>(layer.weights.size()) / out});
  if (report_)
    report_({.name = builder.description.graph.nodes.back().name,
             .signal_to_noise = layer.signal_to_noise,
             .strength = layer.strength,
             .clipping = layer.clipping});
}

void Emitter::stream_constant(const char *suffix, const RowMatrix &values) {
  const ArrayXd scale = stream.codes.scale();
  const ArrayXd zero = stream.codes.zero();
  std::vector<std::int64_t> shape = {values.cols()};
  if (values.rows() != 1)
    shape.insert(shape.begin(), values.rows());
  std::vector<std::int32_t> codes;
  for (Eigen::Index row = 0; row < values.rows(); ++row)
    for (Eigen::Index c = 0; c < values.cols(); ++c)
      codes.push_back(static_cast<std::int32_t>(std::lround(static_cast<double>(values(row, c)) / scale[c] + zero[c])));
  const auto add = [&](auto clamp) {
    std::vector<decltype(clamp(0))> narrow(codes.size());
    std::transform(codes.begin(), codes.end(), narrow.begin(), clamp);
    builder.constant(suffix, narrow, shape);
  };
  if (stream.codes.type == kernels::ElementType::int8)
    add(kernels::clamp_to_int8);
  else
    add(kernels::clamp_to_int16);
}

void Emitter::qkv(const std::string &name, const std::string &input, const QuantizedLinear &layer,
                  const AttentionCodes &codes) {
  ArrayXd scale(layer.scale.size());
  ArrayXd zero(layer.scale.size());
  scale << codes.query.scale, codes.key.scale, codes.value.scale;
  zero << codes.query.zero, codes.key.zero, codes.value.zero;
  const FixedPoint fixed = fixed_point(layer.scale / scale, layer.bias / scale + zero);
  builder.node(name, input, Linear{.epilogue = Epilogue::requantize, .shift = fixed.shift});
  weights(layer);
  builder.requantization(fixed);
}

void Emitter::attention(const std::string &name, const std::string &input, const BlockConfig &config,
                        const AttentionCodes &codes, const ChannelCodes &output, int kept_rows) {
  // The weights' quotient gives sum P v / sum P in the codes of v; its zero point is taken off afterwards.
  const ArrayXd ratio = codes.value.scale / output.scale;
  const FixedPoint fixed = fixed_point(ratio * quotient_unit, output.zero - ratio * codes.value.zero);
  Attention operation{.heads = config.heads, .queries = kept_rows, .softmax = options_.softmax};
  operation.renormalize = options_.renormalize;
  operation.score_shift = codes.shift;
  operation.exp = exp_polynomial(options_.softmax, config.keys());
  operation.shift = fixed.shift;
  if (config.windows) {
    const Windows &windows = *config.windows;
    builder.node(name, input,
                 WindowAttention{operation, windows.grid_height, windows.grid_width, windows.size, windows.shift});
    const auto heads = static_cast<std::int64_t>(config.heads);
    builder.constant("relative_bias", codes.bias, {heads, static_cast<std::int64_t>(codes.bias.size()) / heads});
  } else {
    builder.node(name, input, operation);
  }
  builder.constant("score_multiplier", codes.multiplier);
  builder.requantization(fixed);
}

void Emitter::fc1(const std::string &name, const std::string &input, const QuantizedLinear &layer, int fraction_bits,
                  const ChannelCodes &output) {
  const double unit = std::ldexp(1.0, 15 - fraction_bits);
  std::vector<std::int16_t> multiplier;
  std::vector<std::int8_t> zero_point;
  for (Eigen::Index c = 0; c < output.scale.size(); ++c) {
    multiplier.push_back(static_cast<std::int16_t>(std::lround(unit / output.scale[c])));
    zero_point.push_back(static_cast<std::int8_t>(output.zero[c]));
  }
  const FixedPoint fixed =
      fixed_point(layer.scale * std::ldexp(1.0, fraction_bits), layer.bias * std::ldexp(1.0, fraction_bits));
  Linear operation{.epilogue = Epilogue::gelu, .shift = fixed.shift};
  operation.gelu_fraction_bits = fraction_bits;
  builder.node(name, input, operation);
  weights(layer);
  builder.requantization(fixed);
  builder.constant("gelu_multiplier", multiplier);
  builder.constant("gelu_zero_point", zero_point);
}

} // namespace intvit
