// The ranges of activations, as FQ-ViT's observers find them (models/ptq/observer of its published code).
//
// Images are taken in order, in batches of a tenth of them, but at most 100: ten batches up to 1000 images, which is
// FQ-ViT's number.
//   minmax      the smallest and the largest value of all images.
//   ema         of the first batch those of the batch; then each batch moves both ends by 0.01 of the way to its own.
//   percentile  the same with a batch's quantiles 0.00001 and 0.99999 (linear between neighbours) for its ends.
//   omse        of the minmax range times 1, 0.99 ... 0.11 the one with the least squared error on the last batch.
//   mse         minmax; what becomes of it is for quantize_linear() to find.
// minmax and ema see every token, percentile and omse's error the sampled ones.
#pragma once

#include "models/quantize/calibration.hpp"
#include "models/quantize/options.hpp"

namespace intvit {

struct ChannelRange {
  Eigen::ArrayXd low;
  Eigen::ArrayXd high;

  Eigen::ArrayXd middle() const { return (low + high) / 2; }
  // A channel that hardly moves is given 1/256 of the widest channel's width: a step at which its error is nothing
  // beside the others', while a finer one would ask for multipliers that do not fit. Never zero.
  Eigen::ArrayXd width() const;
};

// What a quantizer sees of sampled values: gain[c] * sample + offset[c].
struct Affine {
  RowVector gain;
  RowVector offset; // empty: 0
};

// Which of the images count.
enum class Part : std::uint8_t { first_half, all };

// The range of every channel. With options.per_tensor the channels are observed as one, so that all have one range.
ChannelRange observe_range(const SiteSamples &samples, Part part, const Affine &affine, const QuantizeOptions &options);

// The same of the samples themselves.
ChannelRange observe_range(const SiteSamples &samples, const QuantizeOptions &options);

} // namespace intvit
