// The integer graph of the ViT family.
#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "models/quantize/architectures.hpp"
#include "models/quantize/emitter.hpp"
#include "models/reference/forward.hpp"

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
      const bool last = layer + 1 == config_.depth;
      emitter_.block("blocks." + std::to_string(layer), config_.block(),
                     weights_.blocks[static_cast<std::size_t>(layer)], importance_before_block(layer + 1),
                     last && !config_.pools_patches() ? config_.pooled_rows() : 0);
    }
    steps.next();
    head();
    std::vector<std::byte> file = emitter_.builder.finish(golden_image);
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
  void head();

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
  StreamCodes codes = choose_stream_codes(emitter_.calibration.stream(), emitter_.options().residual,
                                          importance_before_block(0), smallest_stream_scale(layer));
  const ArrayXd scale = codes.scale();
  const ArrayXd zero = codes.zero();
  const double largest_position = std::max(1e-9, static_cast<double>(weights_.position.cwiseAbs().maxCoeff()));
  const double position_scale = largest_position / 32767;
  const ResidualFixedPoint fixed =
      residual_fixed_point(layer.scale / scale, position_scale / scale, ArrayXd::Zero(scale.size()),
                           layer.bias / scale + zero, kernels::max_residual_shift(kernels::CodeType::int16));
  std::vector<std::int16_t> position;
  for (const float value : weights_.position.reshaped<Eigen::RowMajor>())
    position.push_back(static_cast<std::int16_t>(std::lround(static_cast<double>(value) / position_scale)));

  ModelBuilder &builder = emitter_.builder;
  builder.node("patches", image_value, Patches{config_.patch});
  emitter_.stream = {"patch_embed", std::move(codes)};
  builder.node("patch_embed", "patches", PatchEmbed{fixed.requantization.shift, fixed.shift});
  emitter_.weights(layer);
  builder.requantization(fixed.requantization);
  builder.constant("position", position, {config_.patches(), config_.channels});
  builder.constant("position_multiplier", fixed.multiplier);
  emitter_.stream_constant("class_token", weights_.prefix);
}

void VitQuantizer::head() {
  const BlockSamples samples =
      emitter_.calibration.run({SiteKind::final_normalized}, [&](const MatrixView &stream, Observer &observer) {
        reference::classify(model_, stream, &observer);
        return RowMatrix(stream);
      });
  const QuantizedLinear layer = quantize_after_norm(
      weights_.head, weights_.norm, samples_of(samples, SiteKind::final_normalized), emitter_.options());
  emitter_.layer_norm("norm", emitter_.stream, weights_.norm, config_.layer_norm_eps, layer.input);
  emitter_.head("head", "norm", layer);
}

} // namespace

std::vector<std::byte> quantize_vit(const VitModel &model, const QuantizeInput &input, const QuantizeOptions &options,
                                    const Progress &progress) {
  if (model.config.prefix_tokens != 1 || model.config.pool != VitPool::token || model.config.classes == 0)
    throw std::runtime_error(model.config.architecture + " cannot be quantized yet");
  return VitQuantizer(model, input, options).run(input.calibration.front(), progress);
}

} // namespace intvit
