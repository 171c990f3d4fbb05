// The integer graph of the Swin Transformer.
#include <algorithm>
#include <cmath>

#include "models/quantize/architectures.hpp"
#include "models/quantize/emitter.hpp"
#include "models/reference/forward.hpp"

namespace intvit {

namespace {

using Eigen::ArrayXd;
using kernels::OutputType;
using reference::Observer;
using reference::SiteKind;

class SwinQuantizer {
public:
  SwinQuantizer(const SwinModel &model, const QuantizeInput &input, const QuantizeOptions &options)
      : model_(model), config_(model.config), weights_(model.weights), emitter_(input, options) {}

  std::vector<std::byte> run(const Image &golden_image, const Progress &progress) {
    Steps steps(progress, config_.depth() + 3);
    steps.next();
    patch_embed();
    for (int stage = 0; stage < config_.stages(); ++stage) {
      if (stage > 0)
        merge(stage);
      const std::string prefix = "layers." + std::to_string(stage) + ".blocks.";
      for (int block = 0; block < config_.depths[static_cast<std::size_t>(stage)]; ++block) {
        steps.next();
        emitter_.block(prefix + std::to_string(block), config_.block(stage, block), stage_weights(stage, block),
                       importance_before(stage, block + 1), 0);
      }
    }
    steps.next();
    head();
    std::vector<std::byte> file = emitter_.builder.finish(golden_image);
    steps.next();
    return file;
  }

private:
  const SwinStageWeights &stage_weights(int stage) const { return weights_.stages[static_cast<std::size_t>(stage)]; }
  const BlockWeights &stage_weights(int stage, int block) const {
    return stage_weights(stage).blocks[static_cast<std::size_t>(block)];
  }

  // What an error of a channel of the stream costs that enters block `block` of a stage or, behind the stage's blocks,
  // what comes then: the merging, each of whose four parts reads every channel, or the end.
  ArrayXd importance_before(int stage, int block) const {
    if (block < config_.depths[static_cast<std::size_t>(stage)])
      return stream_importance(stage_weights(stage, block).norm1, stage_weights(stage, block).qkv);
    if (stage + 1 == config_.stages())
      return to_array(weights_.norm.weight).square();
    const SwinStageWeights &next = stage_weights(stage + 1);
    return stream_importance(next.merge_norm, next.merge).reshaped(config_.stage_channels(stage), 4).rowwise().sum();
  }

  void patch_embed();
  void merge(int stage);
  void head();

  const SwinModel &model_;
  const SwinConfig &config_;
  const SwinWeights &weights_;
  Emitter emitter_;
};

// The patches' projection has codes of 16 bits: its LayerNorm makes up for any scale.
void SwinQuantizer::patch_embed() {
  const BlockSamples samples =
      emitter_.calibration.embed({SiteKind::embedding}, [&](const Image &image, Observer &observer) {
        return reference::embed(model_, reference::extract_patches(config_, image), &observer);
      });
  const QuantizedLinear layer = emitter_.pixel_linear(config_, weights_.patch_embed);
  emitter_.builder.node("patches", image_value, Patches{config_.patch});
  const StreamNode projected =
      emitter_.write_stream("patch_embed.proj", "patches", layer,
                            choose_stream_codes(samples_of(samples, SiteKind::embedding), ResidualFormat::int16,
                                                ArrayXd::Ones(config_.channels), smallest_stream_scale(layer)));
  const double smallest = weights_.patch_norm.weight.cwiseAbs().maxCoeff() * quotient_unit / 0.4;
  emitter_.begin_stream("patch_embed.norm", projected, weights_.patch_norm, config_.layer_norm_eps,
                        choose_stream_codes(emitter_.calibration.stream(), emitter_.options().residual,
                                            importance_before(0, 0), smallest));
}

void SwinQuantizer::merge(int stage) {
  const SwinStageWeights &weights = stage_weights(stage);
  const BlockSamples samples =
      emitter_.calibration.run({SiteKind::merge_normalized}, [&](const MatrixView &stream, Observer &observer) {
        return reference::merge_patches(model_, stage, stream, 0, &observer);
      });
  const std::string name = "layers." + std::to_string(stage) + ".downsample";
  const Windows from = config_.windows(stage - 1, 0);
  StreamNode merged{name + ".merge", emitter_.stream.codes};
  emitter_.builder.node(merged.name, emitter_.stream.name, MergePatches{from.grid_height, from.grid_width});
  for (int part = 1; part < 4; ++part) {
    const StreamCodes &codes = emitter_.stream.codes;
    merged.codes.alpha.insert(merged.codes.alpha.end(), codes.alpha.begin(), codes.alpha.end());
    merged.codes.zero_point.insert(merged.codes.zero_point.end(), codes.zero_point.begin(), codes.zero_point.end());
  }
  const QuantizedLinear layer = quantize_after_norm(
      weights.merge, weights.merge_norm, samples_of(samples, SiteKind::merge_normalized), emitter_.options());
  emitter_.layer_norm(name + ".norm", merged, weights.merge_norm, config_.layer_norm_eps, layer.input);
  emitter_.stream =
      emitter_.write_stream(name + ".reduction", name + ".norm", layer,
                            choose_stream_codes(emitter_.calibration.stream(), emitter_.options().residual,
                                                importance_before(stage, 0), smallest_stream_scale(layer)));
}

// The last norm writes 16-bit codes, so that only their mean is rounded to what the head reads. beta is added to the
// mean.
void SwinQuantizer::head() {
  const BlockSamples samples = emitter_.calibration.run({SiteKind::final_normalized, SiteKind::final_mean},
                                                        [&](const MatrixView &stream, Observer &observer) {
                                                          reference::classify(model_, stream, &observer);
                                                          return RowMatrix(stream);
                                                        });
  const SiteSamples &normalized = samples_of(samples, SiteKind::final_normalized);
  const ArrayXd gamma = to_array(weights_.norm.weight);
  SiteSamples scaled; // of their ranges; codes of 16 bits follow from nothing else
  for (std::size_t half = 0; half < 2; ++half) {
    scaled.minimum[half] = normalized.minimum[half].cwiseProduct(weights_.norm.weight);
    scaled.maximum[half] = normalized.maximum[half].cwiseProduct(weights_.norm.weight);
  }
  const StreamCodes codes = choose_stream_codes(scaled, ResidualFormat::int16, ArrayXd::Ones(gamma.size()),
                                                gamma.abs().maxCoeff() * quotient_unit / 0.4);
  const int rows = config_.windows(config_.stages() - 1, 0).tokens();

  ModelBuilder &builder = emitter_.builder;
  LayerNormWeights norm = weights_.norm;
  norm.bias.setZero();
  emitter_.begin_stream("norm", emitter_.stream, norm, config_.layer_norm_eps, codes);
  const ArrayXd mean_factor = ArrayXd::Constant(gamma.size(), codes.base_scale / rows); // of the sum of the rows' codes
  const ArrayXd beta = to_array(weights_.norm.bias);
  if (config_.classes == 0) {
    int fraction_bits = 16;
    while (fraction_bits > 0 && std::ldexp(codes.base_scale / rows, fraction_bits) > 0.49)
      --fraction_bits;
    builder.description.graph.logit_fraction_bits = fraction_bits;
    const double unit = std::ldexp(1.0, fraction_bits);
    emitter_.mean_rows("features", "norm", 0, rows, fixed_point(mean_factor * unit, beta * unit), OutputType::int32);
    return;
  }
  const SiteSamples &means = samples_of(samples, SiteKind::final_mean);
  const QuantizedLinear layer = quantize_linear(weights_.head, means, RowVector::Ones(gamma.size()), emitter_.options(),
                                                requantizable(mean_factor));
  emitter_.mean_rows("mean", "norm", 0, rows,
                     fixed_point(mean_factor / layer.input.scale, beta / layer.input.scale + layer.input.zero),
                     OutputType::int8);
  emitter_.head("head", "mean", layer);
}

} // namespace

std::vector<std::byte> quantize_swin(const SwinModel &model, const QuantizeInput &input, const QuantizeOptions &options,
                                     const Progress &progress) {
  return SwinQuantizer(model, input, options).run(input.calibration.front(), progress);
}

} // namespace intvit
