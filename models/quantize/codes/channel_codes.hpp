// 8-bit codes of activations.
#pragma once

#include <array>
#include <functional>
#include <span>
#include <vector>

#include "models/quantize/calibration.hpp"
#include "models/quantize/codes/range.hpp"
#include "models/quantize/options.hpp"

namespace intvit {

inline Eigen::ArrayXd to_array(const RowVector &values) {
  return values.transpose().array().cast<double>();
}

// value = scale[c] * (code - zero[c]), code in [-128, 127]. Zeros may be fractions, unless the kernel that writes the
// codes needs integers.
struct ChannelCodes {
  Eigen::ArrayXd scale;
  Eigen::ArrayXd zero;
};

// Changes codes into the nearest ones that the kernel that writes them can express.
using CodeConstraint = std::function<void(ChannelCodes &codes)>;

// The smallest scale that a requantization by `factor` / scale can have: the quotient must stay below 0.5.
Eigen::ArrayXd smallest_scale(const Eigen::ArrayXd &factor);

// Raises scales to at least that. The zero changes with the scale, so that the same value stays in the middle of the
// codes.
CodeConstraint requantizable(const Eigen::ArrayXd &factor);

// Codes for the ranges, widened about their middles by `factor`. A channel's scale is proportional to its width to the
// power `strength` times the widest channel's width to the power 1 - strength. With 1 every channel fills its codes,
// with 0 all have the same scale.
ChannelCodes codes_for(const ChannelRange &range, double strength, double factor);

// Codes in which every channel fills its own range, or the part of it with the least squared error
// (RangeObserver::mse).
ChannelCodes own_range_codes(const SiteSamples &samples, const QuantizeOptions &options,
                             const CodeConstraint &constraint);

// What quantization makes of sampled rows, each channel multiplied by its gain, for each channel: means over the rows,
// which count as their weights say.
struct CodeStatistics {
  Eigen::ArrayXd squared_error; // mean of (value - dequantized)^2
  Eigen::ArrayXd mean_error;    // mean of value - dequantized
  Eigen::ArrayXd mean;          // of code - zero
  Eigen::ArrayXd variance;      // of the code
};

// Of each of the candidates, over part of the images.
std::vector<CodeStatistics> measure(std::span<const ChannelCodes> candidates, const RowVector &gain,
                                    const SiteSamples &samples, Part part, int threads);

// code - zero - mean for the rows of all images, times the root of the row's weight: one channel in each row of the
// result. With CodeStatistics::mean the mean square of such a row is CodeStatistics::variance.
RowMatrix centred_codes(const ChannelCodes &codes, const Eigen::ArrayXd &mean, const RowVector &gain,
                        const SiteSamples &samples, int threads);

// Factors on a calibrated range. Below 1 clips the tails for a finer step; above 1 leaves room for unseen images.
inline constexpr std::array range_factors{0.6, 0.7, 0.8, 0.9, 1.0, 1.1};

} // namespace intvit
