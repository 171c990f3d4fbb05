// The ranges of activations.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/quantize/calibration.hpp"
#include "models/quantize/options.hpp"

namespace intvit {

struct ChannelRange {
  Eigen::ArrayXd low;
  Eigen::ArrayXd high;

  Eigen::ArrayXd middle() const { return (low + high) / 2; }
  // Never zero, and at least 1/256 of the widest channel's. A channel that hardly varies has a negligible error even
  // then, and a smaller step would need multipliers that do not fit.
  Eigen::ArrayXd width() const;
};

// What a quantizer sees of sampled values: gain[c] * sample + offset[c].
struct Affine {
  RowVector gain;
  RowVector offset; // empty: 0

  double operator()(float sample, Eigen::Index c) const {
    const double scaled = static_cast<double>(sample) * static_cast<double>(gain[c]);
    return offset.size() == 0 ? scaled : scaled + static_cast<double>(offset[c]);
  }
};

inline Affine unchanged(Eigen::Index channels) {
  return {RowVector::Ones(channels), {}};
}

// Which of the images are looked at.
enum class Part : std::uint8_t { first_half, second_half, all };

// The range of every channel: the smallest and the largest value of all images. Observers of published.hpp find others,
// and with options.published.per_tensor all channels have one range.
ChannelRange observe_range(const SiteSamples &samples, Part part, const Affine &affine, const QuantizeOptions &options);

// The same of the samples themselves.
ChannelRange observe_range(const SiteSamples &samples, const QuantizeOptions &options);

// One image: its extremes over all tokens, and its sampled rows.
struct ImageSamplesView {
  Eigen::Ref<const RowVector> minimum;
  Eigen::Ref<const RowVector> maximum;
  Eigen::Ref<const RowMatrix> rows;
};

// In the images' order.
std::vector<ImageSamplesView> images_in_order(const SiteSamples &samples, Part part);

// The smallest and the largest value of each channel.
ChannelRange extremes(std::span<const ImageSamplesView> images, const Affine &affine);

} // namespace intvit
