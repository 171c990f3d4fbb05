#include "models/quantize/published.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "models/quantize/codes/arithmetic.hpp"
#include "models/quantize/codes/channel_codes.hpp"
#include "models/quantize/codes/range.hpp"
#include "models/quantize/codes/stream_codes.hpp"
#include "models/quantize/options.hpp"

namespace intvit {

using Eigen::ArrayXd;
using Eigen::Index;

namespace {

constexpr Index batches = 10;
constexpr Index largest_batch = 100;
constexpr double sigma = 0.01;            // how far a batch moves ema's and percentile's ends
constexpr double outer_quantile = 1.0e-5; // percentile
constexpr int omse_steps = 90;
constexpr int max_alpha = 3; // the factors of its residual stream are 2^0..2^3

// Linear between the two values that the quantile lies between, as torch.quantile().
double quantile_of(std::vector<double> &values, double q) {
  const double place = q * static_cast<double>(values.size() - 1);
  const auto below = values.begin() + static_cast<std::ptrdiff_t>(std::floor(place));
  std::nth_element(values.begin(), below, values.end());
  const double low = *below;
  if (below + 1 == values.end())
    return low;
  return low + (*std::min_element(below + 1, values.end()) - low) * (place - std::floor(place));
}

class PublishedRange {
public:
  PublishedRange(const SiteSamples &samples, Part part, const Affine &affine, const PublishedOptions &options)
      : images_(images_in_order(samples, part)), affine_(affine), options_(options),
        channels_(samples.minimum[0].cols()) {
    const auto count = static_cast<Index>(images_.size());
    const Index size = std::min((count + batches - 1) / batches, largest_batch);
    for (Index first = 0; first < count; first += size)
      batches_.push_back(Images(images_).subspan(static_cast<std::size_t>(first),
                                                 static_cast<std::size_t>(std::min(size, count - first))));
  }

  ChannelRange range() const {
    switch (options_.observer) {
    case RangeObserver::ema:
      return averaged([this](Images batch) { return joined(extremes(batch, affine_)); });
    case RangeObserver::percentile:
      return averaged([this](Images batch) { return quantiles(batch); });
    case RangeObserver::omse:
      return least_squared_error();
    case RangeObserver::minmax:
    case RangeObserver::mse:
      break;
    }
    return joined(extremes(images_, affine_));
  }

private:
  using Images = std::span<const ImageSamplesView>;

  // With one range a tensor, the widest.
  ChannelRange joined(ChannelRange range) const {
    if (options_.per_tensor) {
      range.low = ArrayXd::Constant(channels_, range.low.minCoeff());
      range.high = ArrayXd::Constant(channels_, range.high.maxCoeff());
    }
    return range;
  }

  // The sampled values of a batch, a vector a channel, or all in one.
  std::vector<std::vector<double>> values(Images batch) const {
    std::vector<std::vector<double>> result(options_.per_tensor ? 1 : static_cast<std::size_t>(channels_));
    for (const ImageSamplesView &image : batch)
      for (Index row = 0; row < image.rows.rows(); ++row)
        for (Index c = 0; c < channels_; ++c)
          result[options_.per_tensor ? 0 : static_cast<std::size_t>(c)].push_back(affine_(image.rows(row, c), c));
    return result;
  }

  ChannelRange quantiles(Images batch) const {
    std::vector<std::vector<double>> groups = values(batch);
    ChannelRange range{ArrayXd(channels_), ArrayXd(channels_)};
    for (Index c = 0; c < channels_; ++c) {
      if (options_.per_tensor && c > 0) {
        range.low[c] = range.low[0];
        range.high[c] = range.high[0];
        continue;
      }
      range.low[c] = quantile_of(groups[static_cast<std::size_t>(c)], outer_quantile);
      range.high[c] = quantile_of(groups[static_cast<std::size_t>(c)], 1.0 - outer_quantile);
    }
    return range;
  }

  template <typename RangeOfBatch> ChannelRange averaged(const RangeOfBatch &range_of_batch) const {
    ChannelRange range = range_of_batch(batches_.front());
    for (std::size_t b = 1; b < batches_.size(); ++b) {
      const ChannelRange next = range_of_batch(batches_[b]);
      range.low += sigma * (next.low - range.low);
      range.high += sigma * (next.high - range.high);
    }
    return range;
  }

  ChannelRange least_squared_error() const {
    ChannelRange range = joined(extremes(images_, affine_));
    const std::vector<std::vector<double>> groups = values(batches_.back());
    for (std::size_t group = 0; group < groups.size(); ++group) {
      const auto c = static_cast<Index>(group);
      double best = 1.0;
      double least = std::numeric_limits<double>::infinity();
      for (int step = 0; step < omse_steps; ++step) {
        const double factor = 1.0 - step * 0.01;
        const double error = squared_error(groups[group], factor * range.low[c], factor * range.high[c]);
        if (error < least) {
          least = error;
          best = factor;
        }
      }
      range.low[c] *= best;
      range.high[c] *= best;
    }
    if (options_.per_tensor) {
      range.low = ArrayXd::Constant(channels_, range.low[0]);
      range.high = ArrayXd::Constant(channels_, range.high[0]);
    }
    return range;
  }

  // Of values in 256 codes from `low` to `high`. A tensor's zero point is an integer.
  double squared_error(const std::vector<double> &values, double low, double high) const {
    const double scale = std::max((high - low) / 255, 1e-12);
    const double zero = options_.per_tensor ? clamped_code(-low / scale, 0, 255) : -low / scale;
    double sum = 0;
    for (const double value : values) {
      const double difference = value - scale * (clamped_code(value / scale + zero, 0, 255) - zero);
      sum += difference * difference;
    }
    return sum;
  }

  std::vector<ImageSamplesView> images_;
  const Affine &affine_;
  const PublishedOptions &options_;
  Index channels_;
  std::vector<Images> batches_;
};

} // namespace

QuantizeOptions published_options() {
  return {
      .residual = ResidualFormat::ptf8_paper,
      .softmax = kernels::Softmax::lis4,
      .rounding = Rounding::nearest,
      .correct_bias = false,
      .error_measure = ErrorMeasure::layer,
      .published = {
          .observer = RangeObserver::minmax, .renormalize = false, .per_tensor = true, .clamp_largest_weight = true}};
}

namespace published {

ChannelRange range(const SiteSamples &samples, Part part, const Affine &affine, const QuantizeOptions &options) {
  return PublishedRange(samples, part, affine, options.published).range();
}

ChannelRange shared_range(const SiteSamples &query, const SiteSamples &key, const SiteSamples &value,
                          const QuantizeOptions &options) {
  const std::array<const SiteSamples *, 3> parts{&query, &key, &value};
  const ChannelRange together = observe_range(side_by_side(parts), options);
  const ArrayXd end = together.low.abs().max(together.high.abs()).head(query.rows[0].cols());
  return {-end, end};
}

ChannelCodes tensor_codes(const ChannelRange &range) {
  ChannelCodes codes;
  codes.scale = range.width() / 255.0;
  codes.zero = ArrayXd::Constant(range.low.size(), clamped_code(-128.0 - range.low[0] / codes.scale[0], -128.0, 127.0));
  return codes;
}

ChannelCodes tensor_input_codes(const SiteSamples &samples, const Affine &affine, const QuantizeOptions &options,
                                const CodeConstraint &constraint) {
  ChannelCodes codes = tensor_codes(observe_range(samples, Part::all, affine, options));
  constraint(codes);
  if (affine.offset.size() != 0)
    codes.zero += affine.offset.transpose().array().cast<double>() / codes.scale;
  return codes;
}

StreamCodes paper_stream_codes(const SiteSamples &samples, const ArrayXd &importance, double smallest_scale) {
  const double low = std::min(0.0, static_cast<double>(samples.overall_minimum().minCoeff()));
  const double high = std::max(0.0, static_cast<double>(samples.overall_maximum().maxCoeff()));
  const double scale8 = std::max((high - low) / 255, smallest_scale * (1 << max_alpha));
  const double zero = clamped_code(-128 - low / scale8, -128.0, 127.0);
  return choose_factors(samples, scale8 / (1 << max_alpha), max_alpha, zero, importance).codes;
}

StreamCodes uniform_stream_codes(const SiteSamples &samples, const QuantizeOptions &options, double smallest_scale) {
  QuantizeOptions whole = options;
  whole.published.per_tensor = true;
  const ChannelRange range = observe_range(samples, whole);
  const double scale = std::max(range.width()[0] / 255, smallest_scale);
  const double zero = clamped_code(-128 - range.low[0] / scale, -128.0, 127.0);
  const auto channels = static_cast<std::size_t>(range.low.size());
  return {kernels::ElementType::int8, scale, std::vector<std::uint8_t>(channels, 0),
          std::vector<std::int8_t>(channels, static_cast<std::int8_t>(zero))};
}

} // namespace published

} // namespace intvit
