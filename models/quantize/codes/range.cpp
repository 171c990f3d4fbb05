#include "models/quantize/codes/range.hpp"

#include <algorithm>
#include <limits>

namespace intvit {

using Eigen::ArrayXd;
using Eigen::Index;

ArrayXd ChannelRange::width() const {
  const ArrayXd exact = high - low;
  return exact.max(exact.maxCoeff() / 256).max(1e-4 * (1.0 + high.abs().maxCoeff()));
}

// Even images are the first half, odd ones the second.
std::vector<ImageSamplesView> images_in_order(const SiteSamples &samples, Part part) {
  std::vector<ImageSamplesView> images;
  const auto add = [&](std::size_t half, Index i) {
    const Index rows = samples.rows[half].rows() / samples.minimum[half].rows();
    images.push_back(
        {samples.minimum[half].row(i), samples.maximum[half].row(i), samples.rows[half].middleRows(i * rows, rows)});
  };
  for (Index i = 0; i < samples.minimum[0].rows(); ++i) {
    add(0, i);
    if (part == Part::all && i < samples.minimum[1].rows())
      add(1, i);
  }
  return images;
}

ChannelRange extremes(std::span<const ImageSamplesView> images, const Affine &affine) {
  const Index channels = images.front().minimum.size();
  ChannelRange range{ArrayXd(channels), ArrayXd(channels)};
  for (Index c = 0; c < channels; ++c) {
    double low = std::numeric_limits<double>::infinity();
    double high = -low;
    for (const ImageSamplesView &image : images) {
      // A negative gain swaps the ends.
      const double a = affine(image.minimum[c], c);
      const double b = affine(image.maximum[c], c);
      low = std::min({low, a, b});
      high = std::max({high, a, b});
    }
    range.low[c] = low;
    range.high[c] = high;
  }
  return range;
}

ChannelRange observe_range(const SiteSamples &samples, Part part, const Affine &affine,
                           const QuantizeOptions &options) {
  const RangeObserver observer = options.published.observer;
  if (options.published.per_tensor || (observer != RangeObserver::mse && observer != RangeObserver::minmax))
    return published::range(samples, part, affine, options);
  return extremes(images_in_order(samples, part), affine);
}

ChannelRange observe_range(const SiteSamples &samples, const QuantizeOptions &options) {
  return observe_range(samples, Part::all, unchanged(samples.minimum[0].cols()), options);
}

} // namespace intvit
