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
    if (part != Part::second_half)
      add(0, i);
    if (part != Part::first_half && i < samples.minimum[1].rows())
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

namespace {

double median(ArrayXd values) {
  double *middle = values.data() + values.size() / 2;
  std::nth_element(values.data(), middle, values.data() + values.size());
  return *middle;
}

// One image, or images that are the same or nearly, show where each channel lies and not how far it varies: ranges
// between the extremes would be points, and other images' values all beyond them. That shows in ranges that are narrow
// beside the distances of the channels from one another, of which they are 2 and more from 16 photographs on, and 0
// with one. Then every channel gets the range of all together, which holds at least the sizes of what other images
// have. Medians, so that channels far out, which large models have, are not mistaken for distances.
ChannelRange with_spread(ChannelRange range) {
  constexpr double least = 0.2;
  const ArrayXd middle = range.middle();
  const double distance = 1.4826 * median((middle - median(middle)).abs()); // a normal distribution's deviation
  if (median(range.high - range.low) >= least * distance)
    return range;
  const double low = range.low.minCoeff();
  const double high = range.high.maxCoeff();
  range.low = low;
  range.high = high;
  return range;
}

} // namespace

ChannelRange observe_range(const SiteSamples &samples, Part part, const Affine &affine,
                           const QuantizeOptions &options) {
  const RangeObserver observer = options.published.observer;
  if (options.published.per_tensor || (observer != RangeObserver::mse && observer != RangeObserver::minmax))
    return published::range(samples, part, affine, options);
  return with_spread(extremes(images_in_order(samples, part), affine));
}

ChannelRange observe_range(const SiteSamples &samples, const QuantizeOptions &options) {
  return observe_range(samples, Part::all, unchanged(samples.minimum[0].cols()), options);
}

} // namespace intvit
