#include "models/quantize/range.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "models/quantize/arithmetic.hpp"

namespace intvit {

namespace {

using Eigen::ArrayXd;
using Eigen::Index;

constexpr Index batches = 10;
constexpr Index largest_batch = 100;
constexpr double sigma = 0.01;            // how far a batch moves ema's and percentile's ends
constexpr double outer_quantile = 1.0e-5; // percentile
constexpr int omse_steps = 90;

// One image: its extremes over all tokens, and its sampled rows.
struct ImageView {
  Eigen::Ref<const RowVector> minimum;
  Eigen::Ref<const RowVector> maximum;
  Eigen::Ref<const RowMatrix> rows;
};

// In the images' order: even ones are the first half, odd ones the second.
std::vector<ImageView> images_in_order(const SiteSamples &samples, Part part) {
  std::vector<ImageView> images;
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

class RangeObserver {
public:
  RangeObserver(const SiteSamples &samples, Part part, const Affine &affine, const QuantizeOptions &options)
      : images_(images_in_order(samples, part)), affine_(affine), options_(options),
        channels_(samples.minimum[0].cols()) {
    const auto count = static_cast<Index>(images_.size());
    const Index size = std::min((count + batches - 1) / batches, largest_batch);
    for (Index first = 0; first < count; first += size)
      batches_.push_back({first, std::min(size, count - first)});
  }

  ChannelRange range() const {
    switch (options_.range) {
    case RangeMethod::ema:
      return averaged([this](Batch batch) { return extremes(batch); });
    case RangeMethod::percentile:
      return averaged([this](Batch batch) { return quantiles(batch); });
    case RangeMethod::omse:
      return least_squared_error();
    case RangeMethod::minmax:
    case RangeMethod::mse:
      break;
    }
    return extremes({0, static_cast<Index>(images_.size())});
  }

private:
  struct Batch {
    Index first;
    Index count;
  };

  double value(float sample, Index c) const {
    const double scaled = static_cast<double>(sample) * static_cast<double>(affine_.gain[c]);
    return affine_.offset.size() == 0 ? scaled : scaled + static_cast<double>(affine_.offset[c]);
  }

  // With one range a tensor, the widest.
  ChannelRange joined(ChannelRange range) const {
    if (options_.per_tensor) {
      range.low = ArrayXd::Constant(channels_, range.low.minCoeff());
      range.high = ArrayXd::Constant(channels_, range.high.maxCoeff());
    }
    return range;
  }

  ChannelRange extremes(Batch batch) const {
    ChannelRange range{ArrayXd(channels_), ArrayXd(channels_)};
    for (Index c = 0; c < channels_; ++c) {
      double low = std::numeric_limits<double>::infinity();
      double high = -low;
      for (Index i = batch.first; i < batch.first + batch.count; ++i) {
        const ImageView &image = images_[static_cast<std::size_t>(i)];
        // A negative gain swaps the ends.
        const double a = value(image.minimum[c], c);
        const double b = value(image.maximum[c], c);
        low = std::min({low, a, b});
        high = std::max({high, a, b});
      }
      range.low[c] = low;
      range.high[c] = high;
    }
    return joined(std::move(range));
  }

  // The sampled values of a batch, a vector a channel, or all in one.
  std::vector<std::vector<double>> values(Batch batch) const {
    std::vector<std::vector<double>> result(options_.per_tensor ? 1 : static_cast<std::size_t>(channels_));
    for (Index i = batch.first; i < batch.first + batch.count; ++i) {
      const auto &rows = images_[static_cast<std::size_t>(i)].rows;
      for (Index row = 0; row < rows.rows(); ++row)
        for (Index c = 0; c < channels_; ++c)
          result[options_.per_tensor ? 0 : static_cast<std::size_t>(c)].push_back(value(rows(row, c), c));
    }
    return result;
  }

  // Linear between the two values that the quantile lies between, as torch.quantile().
  static double quantile(std::vector<double> &values, double q) {
    const double place = q * static_cast<double>(values.size() - 1);
    const auto below = values.begin() + static_cast<std::ptrdiff_t>(std::floor(place));
    std::nth_element(values.begin(), below, values.end());
    const double low = *below;
    if (below + 1 == values.end())
      return low;
    return low + (*std::min_element(below + 1, values.end()) - low) * (place - std::floor(place));
  }

  ChannelRange quantiles(Batch batch) const {
    std::vector<std::vector<double>> groups = values(batch);
    ChannelRange range{ArrayXd(channels_), ArrayXd(channels_)};
    for (Index c = 0; c < channels_; ++c) {
      if (options_.per_tensor && c > 0) {
        range.low[c] = range.low[0];
        range.high[c] = range.high[0];
        continue;
      }
      range.low[c] = quantile(groups[static_cast<std::size_t>(c)], outer_quantile);
      range.high[c] = quantile(groups[static_cast<std::size_t>(c)], 1.0 - outer_quantile);
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
    ChannelRange range = extremes({0, static_cast<Index>(images_.size())});
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

  std::vector<ImageView> images_;
  const Affine &affine_;
  const QuantizeOptions &options_;
  Index channels_;
  std::vector<Batch> batches_;
};

} // namespace

ArrayXd ChannelRange::width() const {
  const ArrayXd exact = high - low;
  return exact.max(exact.maxCoeff() / 256).max(1e-4 * (1.0 + high.abs().maxCoeff()));
}

ChannelRange observe_range(const SiteSamples &samples, Part part, const Affine &affine,
                           const QuantizeOptions &options) {
  return RangeObserver(samples, part, affine, options).range();
}

ChannelRange observe_range(const SiteSamples &samples, const QuantizeOptions &options) {
  return observe_range(samples, Part::all, {RowVector::Ones(samples.minimum[0].cols()), {}}, options);
}

} // namespace intvit
