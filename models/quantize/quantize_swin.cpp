// The integer graph of the Swin Transformer.
#include <algorithm>
#include <cmath>

#include "models/quantize/architectures.hpp"
#include "models/quantize/emitter.hpp"
#include "models/reference/forward.hpp"

namespace intvit {

namespace {

using Eigen::ArrayXd;
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
    std::vector<std::byte> file = emitter_.builder.finish(golden_image, config_.outputs());
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
                            int16_stream_codes(samples_of(samples, SiteKind::embedding), smallest_stream_scale(layer)));
  const double smallest = weights_.patch_norm.weight.cwiseAbs().maxCoeff() * quotient_unit / 0.4;
  emitter_.begin_stream(
      "patch_embed.norm", projected, weights_.patch_norm, config_.layer_norm_eps,
      choose_stream_codes(emitter_.calibration.stream(), emitter_.options(), importance_before(0, 0), smallest));
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
    const StreamCodes &before = emitter_.stream.codes;
    merged.codes.alpha.insert(merged.codes.alpha.end(), before.alpha.begin(), before.alpha.end());
    merged.codes.zero_point.insert(merged.codes.zero_point.end(), before.zero_point.begin(), before.zero_point.end());
  }
  const QuantizedLinear layer = quantize_after_norm(
      weights.merge, weights.merge_norm, samples_of(samples, SiteKind::merge_normalized), emitter_.options());
  emitter_.layer_norm(name + ".norm", merged, weights.merge_norm, config_.layer_norm_eps, layer.input);
  StreamCodes codes = choose_stream_codes(emitter_.calibration.stream(), emitter_.options(),
                                          importance_before(stage, 0), smallest_stream_scale(layer));
  StreamNode reduced = emitter_.write_stream(name + ".reduction", name + ".norm", layer, std::move(codes));
  emitter_.set_stream(std::move(reduced.name), std::move(reduced.codes));
}

void SwinQuantizer::head() {
  const BlockSamples samples = emitter_.calibration.run({SiteKind::final_normalized, SiteKind::final_mean},
                                                        [&](const MatrixView &stream, Observer &observer) {
                                                          reference::classify(model_, stream, &observer);
                                                          return RowMatrix(stream);
                                                        });
  emitter_.normed_mean_head(weights_.norm, config_.layer_norm_eps, weights_.head, 0,
                            config_.windows(config_.stages() - 1, 0).tokens(), samples);
}

} // namespace

std::vector<std::byte> quantize_swin(const SwinModel &model, const QuantizeInput &input, const QuantizeOptions &options,
                                     const Progress &progress) {
  return SwinQuantizer(model, input, options).run(input.calibration.front(), progress);
}

} // namespace intvit
