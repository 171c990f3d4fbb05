// The integer graph of the ViT family.
#include <algorithm>
#include <cmath>

#include "models/quantize/architectures.hpp"
#include "models/quantize/emitter.hpp"
#include "models/reference/forward.hpp"
#include "models/reference/layers.hpp"

namespace intvit {

namespace {

using Eigen::ArrayXd;
using reference::Observer;
using reference::SiteKind;

class VitQuantizer {
public:
  VitQuantizer(const VitModel &model, const QuantizeInput &input, const QuantizeOptions &options)
      : model_(model), config_(model.config), weights_(model.weights), emitter_(input, options) {}

  std::vector<std::byte> run(const Image &golden_image, const Progress &progress) {
    Steps steps(progress, config_.depth + 3);
    steps.next();
    patch_embed();
    for (int layer = 0; layer < config_.depth; ++layer) {
      steps.next();
      // After the last block a head that reads tokens needs no others.
      const bool last = layer + 1 == config_.depth;
      emitter_.block("blocks." + std::to_string(layer), config_.block(),
                     weights_.blocks[static_cast<std::size_t>(layer)], importance_before_block(layer + 1),
                     last && !config_.pools_patches() ? config_.pooled_rows() : 0);
    }
    steps.next();
    switch (config_.pool) {
    case VitPool::token:
      token_head();
      break;
    case VitPool::token_pair:
      token_pair_head();
      break;
    case VitPool::mean:
      mean_head();
      break;
    case VitPool::normed_mean:
      normed_mean_head();
      break;
    }
    std::vector<std::byte> file = emitter_.builder.finish(golden_image, config_.outputs());
    steps.next();
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
  // The end of the network, for each VitPool.
  void token_head();
  void token_pair_head();
  void mean_head();
  void normed_mean_head();
  void normalize_and_classify(const StreamNode &input, const SiteSamples &normalized);
  BlockSamples run_classifier(std::initializer_list<SiteKind> kinds);

  const VitModel &model_;
  const VitConfig &config_;
  const VitWeights &weights_;
  Emitter emitter_;
};

void VitQuantizer::patch_embed() {
  emitter_.calibration.embed({}, [&](const Image &image, Observer &) {
    return reference::embed(model_, reference::extract_patches(config_, image));
  });
  const QuantizedLinear layer = emitter_.pixel_linear(config_, weights_.patch_embed);
  StreamCodes codes = choose_stream_codes(emitter_.calibration.stream(), emitter_.options(), importance_before_block(0),
                                          smallest_stream_scale(layer));
  const ArrayXd scale = codes.scale();
  const ArrayXd zero = codes.zero();
  const double largest_position = std::max(1e-9, static_cast<double>(weights_.position.cwiseAbs().maxCoeff()));
  const double position_scale = largest_position / 32767;
  const ResidualFixedPoint fixed =
      residual_fixed_point(layer.scale / scale, position_scale / scale, ArrayXd::Zero(scale.size()),
                           layer.bias / scale + zero, kernels::max_residual_shift(kernels::ElementType::int16));
  std::vector<std::int16_t> position;
  for (const float value : weights_.position.reshaped<Eigen::RowMajor>())
    position.push_back(static_cast<std::int16_t>(std::lround(static_cast<double>(value) / position_scale)));

  ModelBuilder &builder = emitter_.builder;
  builder.node("patches", image_value, Patches{config_.patch});
  builder.node("patch_embed", "patches", PatchEmbed{fixed.requantization.shift, fixed.shift, config_.prefix_tokens});
  emitter_.set_stream("patch_embed", std::move(codes));
  emitter_.weights(layer);
  builder.requantization(fixed.requantization);
  builder.constant("position", position, {config_.patches(), config_.channels});
  builder.constant("position_multiplier", fixed.multiplier);
  emitter_.stream_constant(config_.prefix_tokens == 1 ? "class_token" : "prefix_tokens", weights_.prefix);
}

BlockSamples VitQuantizer::run_classifier(std::initializer_list<SiteKind> kinds) {
  return emitter_.calibration.run(kinds, [&](const MatrixView &stream, Observer &observer) {
    reference::classify(model_, stream, &observer);
    return RowMatrix(stream);
  });
}

// One row, of which `normalized` are samples. Features are the same row normalized without being rounded to codes.
void VitQuantizer::normalize_and_classify(const StreamNode &input, const SiteSamples &normalized) {
  const bool has_head = config_.classes > 0;
  const int fraction_bits =
      emitter_.norm_features(has_head ? "features" : "norm", input, weights_.norm, config_.layer_norm_eps);
  emitter_.set_features(config_.channels, fraction_bits, has_head);
  if (!has_head)
    return;
  const QuantizedLinear layer =
      quantize_after_norm(weights_.head, weights_.norm, normalized, with_int8_weights(emitter_.options()));
  emitter_.layer_norm("norm", input, weights_.norm, config_.layer_norm_eps, layer.input);
  emitter_.head("head", "norm", layer);
}

void VitQuantizer::token_head() {
  const BlockSamples samples = run_classifier({SiteKind::final_normalized});
  normalize_and_classify(emitter_.stream, samples_of(samples, SiteKind::final_normalized));
}

void VitQuantizer::mean_head() {
  const BlockSamples samples = run_classifier({SiteKind::final_mean, SiteKind::final_normalized});
  const StreamCodes &codes = emitter_.stream.codes;
  const ChannelCodes from{codes.scale(), codes.zero()};
  StreamNode mean{"mean", int16_stream_codes(samples_of(samples, SiteKind::final_mean),
                                             from.scale.maxCoeff() / config_.patches() / 0.4)};
  const ArrayXd ratio = from.scale / mean.codes.scale();
  emitter_.mean_rows(mean.name, emitter_.stream.name, config_.first_pooled(), config_.patches(),
                     fixed_point(ratio / config_.patches(), -ratio * from.zero), kernels::ElementType::int16);
  normalize_and_classify(mean, samples_of(samples, SiteKind::final_normalized));
}

void VitQuantizer::normed_mean_head() {
  const BlockSamples samples = run_classifier({SiteKind::final_normalized, SiteKind::final_mean});
  emitter_.normed_mean_head(weights_.norm, config_.layer_norm_eps, weights_.head, config_.first_pooled(),
                            config_.patches(), samples);
}

// Both rows go through one LayerNorm, which has one requantization a channel for them: the codes of a channel are made
// the same in both, wide enough for either.
void VitQuantizer::token_pair_head() {
  const bool has_head = config_.classes > 0;
  const char *feature_norm = has_head ? "feature_norm" : "norm";
  const int fraction_bits =
      emitter_.norm_features(feature_norm, emitter_.stream, weights_.norm, config_.layer_norm_eps);
  emitter_.builder.node("features", feature_norm, Flatten{});
  emitter_.set_features(config_.features(), fraction_bits, has_head);
  if (!has_head)
    return;
  const Eigen::Index channels = config_.channels;
  emitter_.calibration.run({}, [&](const MatrixView &stream, Observer &) {
    const RowMatrix normalized = reference::normalize(stream, config_.layer_norm_eps);
    return RowMatrix(Eigen::Map<const RowMatrix>(normalized.data(), 1, 2 * channels));
  });
  LayerNormWeights both;
  both.weight = weights_.norm.weight.replicate(1, 2);
  both.bias = weights_.norm.bias.replicate(1, 2);
  const CodeConstraint expressible = norm_constraint(both);
  const QuantizedLinear layer =
      quantize_linear({weights_.head.weight, fold_beta(weights_.head, both.bias)}, emitter_.calibration.stream(),
                      {both.weight, both.bias}, with_int8_weights(emitter_.options()), [&](ChannelCodes &codes) {
                        const ArrayXd low = codes.scale * (-128 - codes.zero);
                        const ArrayXd high = codes.scale * (127 - codes.zero);
                        const ArrayXd lowest = low.head(channels).min(low.tail(channels));
                        const ArrayXd scale = (high.head(channels).max(high.tail(channels)) - lowest) / 255;
                        codes.scale << scale, scale;
                        codes.zero.head(channels) = -128 - lowest / scale;
                        codes.zero.tail(channels) = codes.zero.head(channels);
                        expressible(codes);
                      });
  emitter_.layer_norm("norm", emitter_.stream, weights_.norm, config_.layer_norm_eps,
                      {layer.input.scale.head(channels), layer.input.zero.head(channels)});
  emitter_.builder.node("tokens", "norm", Flatten{});
  emitter_.head("head", "tokens", layer);
}

} // namespace

std::vector<std::byte> quantize_vit(const VitModel &model, const QuantizeInput &input, const QuantizeOptions &options,
                                    const Progress &progress) {
  return VitQuantizer(model, input, options).run(input.calibration.front(), progress);
}

} // namespace intvit
