// Quantization of a linear map together with its input's codes.
//
// A channel of the input may have any scale and zero point: the scales are folded into the weights and the zero points
// into the bias, offline and exactly. With a scale for each channel all 8 bits serve that channel's own range, but a
// channel with a wide range then dominates the rows of the weights. The strength of the per-channel scales is the
// compromise between the two (SmoothQuant, arXiv 2211.10438; RepQ-ViT, arXiv 2212.08254).
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "models/architectures/weights.hpp"
#include "models/quantize/codes/channel_codes.hpp"
#include "models/quantize/options.hpp"

namespace intvit {

struct QuantizedLinear {
  ChannelCodes input;
  std::vector<std::int8_t> weights;        // [out, in], row-major, in [-127, 127]
  const FourBitStorage *storage = nullptr; // in which a file holds them; null: int8
  // output[n] = accumulator * scale[n] + bias[n], the accumulator being the sum of code * weight.
  Eigen::ArrayXd scale;
  Eigen::ArrayXd bias;

  // How it went.
  double strength = 0;                   // of the input's per-channel scales
  double clipping = 1;                   // factor on the input's ranges
  std::optional<double> signal_to_noise; // LayerReport's, if the input was sampled
};

// Quantizes `layer` for an input that is gain * sample, per channel (a LayerNorm's gamma; its beta belongs into the
// layer's bias, see normed_linear.hpp). Strength and clipping are chosen on one half of the samples and judged on the
// other, by the expected squared error of the output. The bias also corrects the mean error of weights and input (bias
// correction, arXiv 1906.04721).
//
// No output's scale is larger than `largest_scale`, which what reads the output may ask for; the largest weights are
// clipped where that is too small for them.
//
// STLQ weights that are words already stay as they are, their scales too; the input then has one scale for all
// channels.
//
// The offset of `input` has no influence but on published::tensor_input_codes().
QuantizedLinear quantize_linear(const LinearWeights &layer, const SiteSamples &samples, const Affine &input,
                                const QuantizeOptions &options, const CodeConstraint &constraint,
                                double largest_scale = std::numeric_limits<double>::infinity());

// The finest scale of a residual stream that the layer can write: a requantization's factor, its scale over the
// stream's, must stay below 0.5.
double smallest_stream_scale(const QuantizedLinear &layer);

} // namespace intvit
