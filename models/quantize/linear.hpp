// Quantization of a linear map together with its input's codes.
//
// A channel of the input may have any scale and zero point: the scales are folded into the weights and the zero points
// into the bias, offline and exactly. A scale for each channel spends the 8 bits on that channel's own range, but a
// channel with a wide range then dominates the weights' rows. The strength of the per-channel scales weighs one against
// the other (SmoothQuant, arXiv 2211.10438; RepQ-ViT, arXiv 2212.08254).
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "models/architectures/weights.hpp"
#include "models/quantize/calibration.hpp"
#include "models/quantize/options.hpp"

namespace intvit {

// 8-bit codes of an activation: value = scale[c] * (code - zero[c]), code in [-128, 127]. Zeros are real numbers unless
// the kernel that writes the codes wants integers.
struct ChannelCodes {
  Eigen::ArrayXd scale;
  Eigen::ArrayXd zero;
};

// Brings codes to what the kernel that writes them can express.
using CodeConstraint = std::function<void(ChannelCodes &)>;

// A requantization by `factor` / scale must have a multiplier below 0.5: no scale below |factor| / 0.4. The zero moves
// with the scale, so that the same value stays in the middle.
CodeConstraint requantizable(const Eigen::ArrayXd &factor);

// Codes in which every channel fills its own range.
ChannelCodes own_range_codes(const SiteSamples &samples, RangeMethod method, const CodeConstraint &constraint);

struct QuantizedLinear {
  ChannelCodes input;
  std::vector<std::int8_t> weights; // [out, in], row-major, in [-127, 127]
  // output[n] = accumulator * scale[n] + bias[n], the accumulator being the sum of code * weight.
  Eigen::ArrayXd scale;
  Eigen::ArrayXd bias;
};

// Quantizes `layer` for an input that is `gain` times the sampled values, per channel (a LayerNorm's gamma; its beta
// belongs into the layer's bias, see fold_affine()). Strength and clipping are chosen on one half of the samples and
// judged on the other, by the expected squared error of the output. The bias also corrects the mean error of weights
// and input (bias correction, arXiv 1906.04721).
QuantizedLinear quantize_linear(const LinearWeights &layer, const SiteSamples &samples, const RowVector &gain,
                                const QuantizeOptions &options, const CodeConstraint &constraint);

// The same for a layer whose input codes are given: pixels as pixel - 128.
QuantizedLinear quantize_pixel_linear(const LinearWeights &layer, RangeMethod method);

// The bias of a linear map with a LayerNorm's beta folded in: bias + weight beta.
RowVector fold_beta(const LinearWeights &layer, const RowVector &beta);

} // namespace intvit
