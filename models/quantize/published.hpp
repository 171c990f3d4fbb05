// FQ-ViT's own choices (arXiv 2111.13824, and its published code), by which its table of results is reproduced: ranges
// as its observers find them, one scale and zero point for each tensor, its form of the residual stream. Nobody who
// quantizes a model wants them, the defaults are better; docs/quantization.md, "As published", has both side by side.
// They are kept together here, so that the rest of the quantizer can be read without them.
#pragma once

#include <array>
#include <cstdint>
#include <functional>

#include <Eigen/Core>

namespace intvit {

struct Affine;
struct ChannelCodes;
struct ChannelRange;
struct QuantizeOptions;
struct SiteSamples;
struct StreamCodes;
enum class Part : std::uint8_t;
using CodeConstraint = std::function<void(ChannelCodes &)>;

// How the range of an activation follows from its calibration samples. FQ-ViT takes images in order, in batches of a
// tenth of them, but at most 100: ten batches up to 1000 images, which is its number.
enum class RangeObserver : std::uint8_t {
  mse,    // not FQ-ViT's: the part of the minmax range with the least squared error of the layer that reads it
  minmax, // the smallest and the largest value of all images
  // Of the first batch the smallest and the largest value; then each batch moves both ends by 0.01 of the way to its
  // own.
  ema,
  percentile, // the same with a batch's quantiles 0.00001 and 0.99999 (linear between neighbours) for its ends
  // Of the minmax range times 1, 0.99 ... 0.11 the one with the least squared error on the last batch.
  omse,
};

struct PublishedOptions {
  RangeObserver observer = RangeObserver::mse;
  // lis4, lis8: divide by the sum of the row's weights. Off: take the probabilities as FQ-ViT does, though they do not
  // add up to one.
  bool renormalize = true;
  // One scale and one integer zero point for each activation tensor, instead of scales and zero points of channels;
  // query, key and value share a scale and have zero point 0.
  bool per_tensor = false;
  // The scale of a row of weights is its largest weight over 127.5, as FQ-ViT's, so that this one is clamped to 127.
  // Otherwise it is the largest weight over 127.
  bool clamp_largest_weight = false;
};

// All of FQ-ViT's choices, as far as integers can follow them.
QuantizeOptions published_options();

namespace published {

// The range of every channel by any of the observers, and with per_tensor one range for all channels. minmax and ema
// see every token, percentile and omse's error the sampled ones.
ChannelRange range(const SiteSamples &samples, Part part, const Affine &affine, const QuantizeOptions &options);

// The range about 0 of the tensor that query, key and value make up together, for each channel of one of them.
ChannelRange shared_range(const SiteSamples &query, const SiteSamples &key, const SiteSamples &value,
                          const QuantizeOptions &options);

// One scale and one integer zero point for a range that all channels share.
ChannelCodes tensor_codes(const ChannelRange &range);

// One scale and zero point for gain * sample + offset; as codes of gain * sample, whose zeros take the offset.
ChannelCodes tensor_input_codes(const SiteSamples &samples, const Affine &affine, const QuantizeOptions &options,
                                const CodeConstraint &constraint);

// ResidualFormat::ptf8_paper and ResidualFormat::int8, as choose_stream_codes().
StreamCodes paper_stream_codes(const SiteSamples &samples, const Eigen::ArrayXd &importance, double smallest_scale);
StreamCodes uniform_stream_codes(const SiteSamples &samples, const QuantizeOptions &options, double smallest_scale);

// The scale of PublishedOptions::clamp_largest_weight, as Scales has it.
inline constexpr std::array clamping_scale{100.0 * 127.0 / 127.5};

} // namespace published

} // namespace intvit
