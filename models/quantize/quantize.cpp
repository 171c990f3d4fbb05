#include "models/quantize/quantize.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>

#include "kernels/attention.hpp"
#include "kernels/gelu.hpp"
#include "kernels/layer_norm.hpp"
#include "models/quantize/attention_scores.hpp"
#include "models/quantize/builder.hpp"
#include "models/quantize/calibration.hpp"
#include "models/quantize/linear.hpp"
#include "models/quantize/stream.hpp"

namespace intvit {

namespace {

using Eigen::ArrayXd;
using kernels::Epilogue;
using reference::SiteKind;

ArrayXd to_array(const RowVector &values) {
  return values.transpose().array().cast<double>();
}

ArrayXd column_norms(const RowMatrix &weight) {
  return weight.colwise().squaredNorm().transpose().array().cast<double>();
}

// What an error of a residual channel costs: the LayerNorm's gain and the weights behind it.
ArrayXd stream_importance(const LayerNormWeights &norm, const LinearWeights &next) {
  return to_array(norm.weight).square() * column_norms(next.weight);
}

// LayerNorm writes gamma times a quotient.
CodeConstraint norm_constraint(const LayerNormWeights &norm) {
  return requantizable(to_array(norm.weight) * quotient_unit);
}

// The layer that writes the stream requantizes by its scale / the stream's, which must stay below 0.5.
double smallest_stream_scale(const QuantizedLinear &layer) {
  return layer.scale.maxCoeff() / 0.4;
}

RowVector ones(Eigen::Index channels) {
  return RowVector::Ones(channels);
}

// Walks the float model in the order of execution, chooses the codes of every activation and emits the integer nodes.
class VitQuantizer {
public:
  VitQuantizer(const QuantizeInput &input, const QuantizeOptions &options)
      : config_(input.model.config), weights_(input.model.weights), options_(options),
        calibration_(input.model, input.calibration, options.threads) {
    builder_.description.recipe = input.recipe;
    builder_.description.labels = input.labels;
    builder_.description.provenance = input.provenance;
    builder_.description.graph.image_height = config_.image_height;
    builder_.description.graph.image_width = config_.image_width;
  }

  std::vector<std::byte> run(const Image &golden_image, const Progress &progress) {
    const int total = config_.depth + 2;
    const auto report = [&](int step) {
      if (progress)
        progress(step, total);
    };
    report(0);
    patch_embed();
    for (int layer = 0; layer < config_.depth; ++layer) {
      report(layer + 1);
      block(layer);
    }
    report(total - 1);
    head();
    std::vector<std::byte> file = builder_.finish(golden_image);
    report(total);
    return file;
  }

private:
  // The stream's LayerNorm that comes next: that of block `layer`, or the last one before the head.
  ArrayXd importance_before_block(int layer) const {
    if (layer == config_.depth)
      return stream_importance(weights_.norm, weights_.head);
    const BlockWeights &block = weights_.blocks[static_cast<std::size_t>(layer)];
    return stream_importance(block.norm1, block.qkv);
  }

  void patch_embed();
  void block(int layer);
  void head();

  void layer_norm(const std::string &name, const LayerNormWeights &norm, const ChannelCodes &output);
  void weights(const QuantizedLinear &layer);
  void qkv(const std::string &name, const QuantizedLinear &layer, const AttentionScores &scores,
           const ChannelCodes &value);
  void attention(const std::string &name, const std::string &input, const AttentionScores &scores,
                 const ChannelCodes &value, const ChannelCodes &output, bool class_token_only);
  void add_to_stream(const std::string &name, const std::string &input, const QuantizedLinear &layer, StreamCodes next);

  const VitConfig &config_;
  const VitWeights &weights_;
  const QuantizeOptions &options_;
  Calibration calibration_;
  ModelBuilder builder_;
  std::string stream_; // the node that wrote the residual stream
  StreamCodes stream_codes_;
};

// Pixels are the first codes: value = pixel, code = pixel - 128. Mean and std are folded into weights and bias:
// w (pixel / 255 - mean) / std.
void VitQuantizer::patch_embed() {
  const int area = config_.patch * config_.patch;
  const LinearWeights &source = weights_.patch_embed;
  LinearWeights folded;
  folded.weight.resize(source.weight.rows(), source.weight.cols());
  folded.bias = source.bias;
  for (int colour = 0; colour < 3; ++colour) {
    const double mean = config_.mean[static_cast<std::size_t>(colour)];
    const double std = config_.std[static_cast<std::size_t>(colour)];
    for (int pixel = 0; pixel < area; ++pixel) {
      // timm's order is colour, y, x; the image's is y, x, colour.
      const auto from = source.weight.col(colour * area + pixel);
      folded.weight.col(pixel * 3 + colour) = from * static_cast<float>(1.0 / (255.0 * std));
      folded.bias -= (from * static_cast<float>(mean / std)).transpose();
    }
  }
  const QuantizedLinear layer = quantize_pixel_linear(folded, options_.range);

  stream_codes_ = choose_stream_codes(calibration_.stream(), options_.residual, importance_before_block(0),
                                      smallest_stream_scale(layer));
  const ArrayXd scale = stream_codes_.scale();
  const ArrayXd zero = stream_codes_.zero();
  const double largest_position =
      std::max(1e-9, static_cast<double>(weights_.pos_embed.bottomRows(config_.patches()).cwiseAbs().maxCoeff()));
  const double position_scale = largest_position / 32767;
  const ResidualFixedPoint fixed =
      residual_fixed_point(layer.scale / scale, position_scale / scale, ArrayXd::Zero(scale.size()),
                           layer.bias / scale + zero, kernels::max_residual_shift(kernels::CodeType::int16));
  std::vector<std::int16_t> position;
  for (int row = 1; row <= config_.patches(); ++row)
    for (int c = 0; c < config_.channels; ++c)
      position.push_back(
          static_cast<std::int16_t>(std::lround(static_cast<double>(weights_.pos_embed(row, c)) / position_scale)));

  builder_.node("patches", image_value, Patches{config_.patch});
  stream_ = "patch_embed";
  builder_.node(stream_, "patches", PatchEmbed{fixed.requantization.shift, fixed.shift});
  weights(layer);
  builder_.requantization(fixed.requantization);
  builder_.constant("position", position, {config_.patches(), config_.channels});
  builder_.constant("position_multiplier", fixed.multiplier);
  const ArrayXd token = to_array(weights_.cls_token + weights_.pos_embed.row(0));
  const bool int8 = stream_codes_.type == kernels::CodeType::int8;
  std::vector<std::int8_t> token8;
  std::vector<std::int16_t> token16;
  for (Eigen::Index c = 0; c < token.size(); ++c) {
    const auto code = static_cast<std::int32_t>(std::lround(token[c] / scale[c] + zero[c]));
    if (int8)
      token8.push_back(kernels::clamp_to_int8(code));
    else
      token16.push_back(kernels::clamp_to_int16(code));
  }
  if (int8)
    builder_.constant("class_token", token8);
  else
    builder_.constant("class_token", token16);
}

void VitQuantizer::block(int layer) {
  const BlockWeights &block = weights_.blocks[static_cast<std::size_t>(layer)];
  const std::string name = "blocks." + std::to_string(layer);
  const bool last = layer + 1 == config_.depth; // only the class token goes on to the head
  const BlockSamples samples = calibration_.run_block(last);

  const QuantizedLinear qkv_layer = quantize_linear({block.qkv.weight, fold_beta(block.qkv, block.norm1.bias)},
                                                    samples_of(samples, SiteKind::norm1_normalized), block.norm1.weight,
                                                    options_, norm_constraint(block.norm1));
  layer_norm(name + ".norm1", block.norm1, qkv_layer.input);
  const AttentionScores scores = choose_score_codes(samples_of(samples, SiteKind::query),
                                                    samples_of(samples, SiteKind::key), config_.heads, options_);
  const ChannelCodes value = own_range_codes(samples_of(samples, SiteKind::value), options_.range,
                                             requantizable(qkv_layer.scale.tail(config_.channels)));
  qkv(name + ".attn.qkv", qkv_layer, scores, value);
  const QuantizedLinear proj =
      quantize_linear(block.proj, samples_of(samples, SiteKind::attention_output), ones(config_.channels), options_,
                      requantizable(value.scale * quotient_unit));
  attention(name + ".attn", name + ".attn.qkv", scores, value, proj.input, last);
  if (last) {
    builder_.node("class_token", stream_, TakeRows{1});
    stream_ = "class_token";
  }
  add_to_stream(name + ".attn.proj", name + ".attn", proj,
                choose_stream_codes(samples_of(samples, SiteKind::block_middle), options_.residual,
                                    stream_importance(block.norm2, block.fc1), smallest_stream_scale(proj)));

  const QuantizedLinear fc1 = quantize_linear({block.fc1.weight, fold_beta(block.fc1, block.norm2.bias)},
                                              samples_of(samples, SiteKind::norm2_normalized), block.norm2.weight,
                                              options_, norm_constraint(block.norm2));
  layer_norm(name + ".norm2", block.norm2, fc1.input);

  // 16-bit inputs of GELU: as many fraction bits as the largest value and the requantization's range leave.
  const double largest = static_cast<double>(samples_of(samples, SiteKind::fc1_output).overall_maximum().maxCoeff());
  int fraction_bits = kernels::max_gelu_fraction_bits;
  while (fraction_bits > kernels::min_gelu_fraction_bits &&
         (std::ldexp(1.25 * largest, fraction_bits) > 32767 || std::ldexp(fc1.scale.maxCoeff(), fraction_bits) > 0.49))
    --fraction_bits;
  std::vector<std::int16_t> gelu_multiplier;
  std::vector<std::int8_t> gelu_zero_point;
  const double unit = std::ldexp(1.0, 15 - fraction_bits);
  const QuantizedLinear fc2 = quantize_linear(block.fc2, samples_of(samples, SiteKind::gelu_output),
                                              ones(config_.mlp_hidden), options_, [&](ChannelCodes &codes) {
                                                codes.scale = unit / (unit / codes.scale).round().max(1.0).min(32767.0);
                                                codes.zero = codes.zero.round().max(-128.0).min(127.0);
                                              });
  for (Eigen::Index c = 0; c < fc2.input.scale.size(); ++c) {
    gelu_multiplier.push_back(static_cast<std::int16_t>(std::lround(unit / fc2.input.scale[c])));
    gelu_zero_point.push_back(static_cast<std::int8_t>(fc2.input.zero[c]));
  }
  const FixedPoint fixed =
      fixed_point(fc1.scale * std::ldexp(1.0, fraction_bits), fc1.bias * std::ldexp(1.0, fraction_bits));
  Linear operation{.epilogue = Epilogue::gelu, .shift = fixed.shift};
  operation.gelu_fraction_bits = fraction_bits;
  builder_.node(name + ".mlp.fc1", name + ".norm2", operation);
  weights(fc1);
  builder_.requantization(fixed);
  builder_.constant("gelu_multiplier", gelu_multiplier);
  builder_.constant("gelu_zero_point", gelu_zero_point);

  add_to_stream(name + ".mlp.fc2", name + ".mlp.fc1", fc2,
                choose_stream_codes(calibration_.stream(), options_.residual, importance_before_block(layer + 1),
                                    smallest_stream_scale(fc2)));
}

void VitQuantizer::head() {
  const BlockSamples samples = calibration_.run_head();
  const QuantizedLinear layer = quantize_linear({weights_.head.weight, fold_beta(weights_.head, weights_.norm.bias)},
                                                samples_of(samples, SiteKind::final_normalized), weights_.norm.weight,
                                                options_, norm_constraint(weights_.norm));
  layer_norm("norm", weights_.norm, layer.input);
  int fraction_bits = 16;
  while (fraction_bits > 0 && std::ldexp(layer.scale.maxCoeff(), fraction_bits) > 0.49)
    --fraction_bits;
  builder_.description.graph.logit_fraction_bits = fraction_bits;
  const double unit = std::ldexp(1.0, fraction_bits);
  const FixedPoint fixed = fixed_point(layer.scale * unit, layer.bias * unit);
  builder_.node("head", "norm", Linear{.epilogue = Epilogue::logits, .shift = fixed.shift});
  weights(layer);
  builder_.requantization(fixed);
}

void VitQuantizer::layer_norm(const std::string &name, const LayerNormWeights &norm, const ChannelCodes &output) {
  const ArrayXd gain = to_array(norm.weight);
  const FixedPoint fixed = fixed_point(gain / output.scale * quotient_unit, output.zero);
  const double channels = config_.channels;
  const double base = stream_codes_.base_scale;
  const double epsilon = std::min(std::nearbyint(channels * channels * config_.layer_norm_eps / (base * base)),
                                  static_cast<double>(kernels::max_layer_norm_epsilon));
  builder_.node(name, stream_, LayerNorm{fixed.shift, static_cast<std::int64_t>(epsilon)});
  builder_.requantization(fixed);
  if (stream_codes_.type == kernels::CodeType::int8) {
    builder_.constant("alpha", stream_codes_.alpha);
    builder_.constant("zero_point", stream_codes_.zero_point);
  }
}

void VitQuantizer::weights(const QuantizedLinear &layer) {
  const auto out = static_cast<std::int64_t>(layer.scale.size());
  builder_.constant("weight", layer.weights, {out, static_cast<std::int64_t>(layer.weights.size()) / out});
}

void VitQuantizer::qkv(const std::string &name, const QuantizedLinear &layer, const AttentionScores &scores,
                       const ChannelCodes &value) {
  const Eigen::Index channels = config_.channels;
  ArrayXd scale(3 * channels);
  ArrayXd zero(3 * channels);
  scale << scores.query.scale, scores.key.scale, value.scale;
  zero << scores.query.zero, scores.key.zero, value.zero;
  const FixedPoint fixed = fixed_point(layer.scale / scale, layer.bias / scale + zero);
  builder_.node(name, builder_.description.graph.nodes.back().name,
                Linear{.epilogue = Epilogue::requantize, .shift = fixed.shift});
  weights(layer);
  builder_.requantization(fixed);
}

void VitQuantizer::attention(const std::string &name, const std::string &input, const AttentionScores &scores,
                             const ChannelCodes &value, const ChannelCodes &output, bool class_token_only) {
  // The weights' quotient gives sum P v / sum P in the codes of v; its zero point is taken off afterwards.
  const ArrayXd ratio = value.scale / output.scale;
  const FixedPoint fixed = fixed_point(ratio * quotient_unit, output.zero - ratio * value.zero);
  Attention operation{.heads = config_.heads, .queries = class_token_only ? 1 : 0, .softmax = options_.softmax};
  operation.renormalize = options_.renormalize;
  operation.score_shift = scores.shift;
  operation.exp = exp_polynomial(options_.softmax, config_.tokens());
  operation.shift = fixed.shift;
  builder_.node(name, input, operation);
  builder_.constant("score_multiplier", scores.multiplier);
  builder_.requantization(fixed);
}

void VitQuantizer::add_to_stream(const std::string &name, const std::string &input, const QuantizedLinear &layer,
                                 StreamCodes next) {
  const ArrayXd scale = next.scale();
  const ResidualFixedPoint fixed =
      residual_fixed_point(layer.scale / scale, stream_codes_.scale() / scale, stream_codes_.zero(),
                           layer.bias / scale + next.zero(), kernels::max_residual_shift(stream_codes_.type));
  Linear operation{.epilogue = Epilogue::residual, .shift = fixed.requantization.shift};
  operation.residual = stream_;
  operation.residual_shift = fixed.shift;
  operation.output_type = next.type;
  builder_.node(name, input, operation);
  weights(layer);
  builder_.requantization(fixed.requantization);
  builder_.constant("residual_multiplier", fixed.multiplier);
  stream_ = name;
  stream_codes_ = std::move(next);
}

} // namespace

std::vector<std::byte> quantize(const QuantizeInput &input, const QuantizeOptions &options, const Progress &progress) {
  validate(input.model.config);
  if (input.calibration.empty())
    throw std::runtime_error("calibration needs at least one image");
  return VitQuantizer(input, options).run(input.calibration.front(), progress);
}

} // namespace intvit
