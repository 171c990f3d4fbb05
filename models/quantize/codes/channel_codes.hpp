// 8-bit codes of activations.
#pragma once

#include <array>
#include <functional>
#include <span>

#include "models/quantize/calibration.hpp"
#include "models/quantize/codes/range.hpp"
#include "models/quantize/options.hpp"

namespace intvit {

inline Eigen::ArrayXd to_array(const RowVector &values) {
  return values.transpose().array().cast<double>();
}

// value = scale[c] * (code - zero[c]), code in [-128, 127]. Zeros are real numbers unless the kernel that writes the
// codes wants integers.
struct ChannelCodes {
  Eigen::ArrayXd scale;
  Eigen::ArrayXd zero;
};

// Brings codes to what the kernel that writes them can express.
using CodeConstraint = std::function<void(ChannelCodes &codes)>;

// The finest scale to which a requantization by `factor` / scale can go: its multiplier must be below 0.5.
Eigen::ArrayXd smallest_scale(const Eigen::ArrayXd &factor);

// No scale below that. The zero moves with the scale, so that the same value stays in the middle.
CodeConstraint requantizable(const Eigen::ArrayXd &factor);

// Codes for `factor` times the ranges, about their middles. Scales are those of the ranges to the power `strength`
// times that of the widest to the rest: 1 lets every channel fill its codes, 0 gives all the same scale.
ChannelCodes codes_for(const ChannelRange &range, double strength, double factor);

// Codes in which every channel fills its own range, or the part of it with the least squared error
// (RangeObserver::mse).
ChannelCodes own_range_codes(const SiteSamples &samples, const QuantizeOptions &options,
                             const CodeConstraint &constraint);

// What quantizing sampled rows, each channel times its gain, does per channel.
struct CodeStatistics {
  Eigen::ArrayXd squared_error; // mean of (value - dequantized)^2
  Eigen::ArrayXd mean_error;    // mean of value - dequantized
  Eigen::ArrayXd mean;          // of code - zero
  Eigen::ArrayXd variance;      // of the code
};

using SampledRows = std::span<const RowMatrix *const>;

CodeStatistics measure(const ChannelCodes &codes, const RowVector &gain, SampledRows samples);

// The codes of the sampled rows less their zeros and `mean`, one channel a row.
RowMatrix centred_codes(const ChannelCodes &codes, const Eigen::ArrayXd &mean, const RowVector &gain,
                        SampledRows samples);

// Factors on a calibrated range. Below 1 clips the tails for a finer step; above 1 leaves room for unseen images.
inline constexpr std::array range_factors{0.6, 0.7, 0.8, 0.9, 1.0, 1.1};

} // namespace intvit
