// Every observer against a plain computation from the images, and codes that follow from ranges.
#include <algorithm>
#include <array>
#include <cmath>
#include <random>

#include <catch2/catch.hpp>

#include "models/quantize/codes/arithmetic.hpp"
#include "models/quantize/codes/channel_codes.hpp"
#include "models/quantize/codes/range.hpp"

namespace intvit {
namespace {

using Eigen::Index;

constexpr Index channels = 5;
constexpr Index tokens = 7;

// Values of one image, [tokens, channels]; wider channels and images have wider values, some rare ones far wider.
std::vector<RowMatrix> random_images(std::size_t count, std::uint32_t seed) {
  std::mt19937 generator(seed); // its numbers are the same everywhere
  std::vector<RowMatrix> images(count, RowMatrix(tokens, channels));
  for (std::size_t i = 0; i < count; ++i)
    for (Index t = 0; t < tokens; ++t)
      for (Index c = 0; c < channels; ++c) {
        const float uniform = static_cast<float>(generator()) / 2147483648.0F - 1.0F;
        const float wide = generator() % 64 == 0 ? 5.0F : 1.0F;
        images[i](t, c) = uniform * wide * (1.0F + static_cast<float>(c)) * (1.0F + 0.1F * static_cast<float>(i % 5));
      }
  return images;
}

SiteSamples samples_from(const std::vector<RowMatrix> &images) {
  SiteSamples samples;
  for (std::size_t half = 0; half < 2; ++half) {
    std::vector<const RowMatrix *> own;
    for (std::size_t i = half; i < images.size(); i += 2)
      own.push_back(&images[i]);
    const auto count = static_cast<Index>(own.size());
    samples.rows[half].resize(count * tokens, channels);
    samples.minimum[half].resize(count, channels);
    samples.maximum[half].resize(count, channels);
    for (Index i = 0; i < count; ++i) {
      const RowMatrix &image = *own[static_cast<std::size_t>(i)];
      samples.rows[half].middleRows(i * tokens, tokens) = image;
      samples.minimum[half].row(i) = image.colwise().minCoeff();
      samples.maximum[half].row(i) = image.colwise().maxCoeff();
    }
  }
  return samples;
}

using Values = std::vector<double>;

struct Ends {
  double low;
  double high;
};

// A group's values of the images [first, end), in order: one channel's, or with channel < 0 all.
Values group_values(const std::vector<RowMatrix> &images, std::size_t first, std::size_t end, Index channel,
                    const Affine &affine) {
  Values values;
  for (std::size_t i = first; i < std::min(end, images.size()); ++i)
    for (Index t = 0; t < tokens; ++t)
      for (Index c = 0; c < channels; ++c)
        if (channel < 0 || c == channel)
          values.push_back(static_cast<double>(images[i](t, c)) * static_cast<double>(affine.gain[c]) +
                           (affine.offset.size() == 0 ? 0.0 : static_cast<double>(affine.offset[c])));
  return values;
}

Ends extremes(const Values &values) {
  return {*std::min_element(values.begin(), values.end()), *std::max_element(values.begin(), values.end())};
}

// As torch.quantile(): the values in order, and a straight line between neighbours.
double sorted_quantile(Values values, double q) {
  std::sort(values.begin(), values.end());
  const double place = q * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (values[above] - values[below]) * (place - static_cast<double>(below));
}

double naive_error(const Values &values, double low, double high, bool integer_zero) {
  const double scale = (high - low) / 255;
  const double zero = integer_zero ? std::min(255.0, std::max(0.0, std::nearbyint(-low / scale))) : -low / scale;
  double sum = 0;
  for (const double value : values) {
    const double code = std::min(255.0, std::max(0.0, std::nearbyint(value / scale + zero)));
    sum += std::pow(value - (code - zero) * scale, 2);
  }
  return sum;
}

Ends expected_ends(RangeObserver method, const std::vector<RowMatrix> &images, Index channel, const Affine &affine) {
  const std::size_t size = std::min<std::size_t>(100, (images.size() + 9) / 10);
  const auto batch = [&](std::size_t first) { return group_values(images, first, first + size, channel, affine); };
  Ends ends = extremes(group_values(images, 0, images.size(), channel, affine));
  if (method == RangeObserver::ema || method == RangeObserver::percentile) {
    const auto of_batch = [&](std::size_t first) {
      return method == RangeObserver::ema
                 ? extremes(batch(first))
                 : Ends{sorted_quantile(batch(first), 1e-5), sorted_quantile(batch(first), 0.99999)};
    };
    ends = of_batch(0);
    for (std::size_t first = size; first < images.size(); first += size) {
      const Ends next = of_batch(first);
      ends = {0.99 * ends.low + 0.01 * next.low, 0.99 * ends.high + 0.01 * next.high};
    }
  } else if (method == RangeObserver::omse) {
    const Values last = batch((images.size() - 1) / size * size);
    Ends best = ends;
    for (int percent = 99; percent > 10; --percent) {
      const Ends shrunk{ends.low * percent / 100, ends.high * percent / 100};
      if (naive_error(last, shrunk.low, shrunk.high, channel < 0) < naive_error(last, best.low, best.high, channel < 0))
        best = shrunk;
    }
    ends = best;
  }
  return ends;
}

TEST_CASE("observers: the ranges that their rules give") {
  const auto method = GENERATE(RangeObserver::minmax, RangeObserver::ema, RangeObserver::percentile,
                               RangeObserver::omse, RangeObserver::mse);
  const bool per_tensor = GENERATE(false, true);
  for (const std::size_t count : {2U, 3U, 9U, 10U, 11U, 45U, 1103U}) {
    const std::vector<RowMatrix> images = random_images(count, static_cast<std::uint32_t>(count));
    const SiteSamples samples = samples_from(images);
    Affine affine{RowVector::Ones(channels), {}};
    for (const bool with_affine : {false, true}) {
      if (with_affine) {
        affine.gain << 1.0F, -2.0F, 0.5F, 3.0F, 0.25F;
        affine.offset = RowVector::LinSpaced(channels, -1.0F, 2.0F);
      }
      const QuantizeOptions options{.published = {.observer = method, .per_tensor = per_tensor}};
      const ChannelRange range = observe_range(samples, Part::all, affine, options);
      std::vector<RowMatrix> half;
      for (std::size_t i = 0; i < count; i += 2)
        half.push_back(images[i]);
      const ChannelRange half_range = observe_range(samples, Part::first_half, affine, options);
      for (Index c = 0; c < channels; ++c) {
        CAPTURE(static_cast<int>(method), per_tensor, count, with_affine, c);
        const Ends all = expected_ends(method, images, per_tensor ? -1 : c, affine);
        CHECK(range.low[c] == Approx(all.low).epsilon(1e-12));
        CHECK(range.high[c] == Approx(all.high).epsilon(1e-12));
        const Ends first = expected_ends(method, half, per_tensor ? -1 : c, affine);
        CHECK(half_range.low[c] == Approx(first.low).epsilon(1e-12));
        CHECK(half_range.high[c] == Approx(first.high).epsilon(1e-12));
      }
    }
  }
}

TEST_CASE("observers differ where batches differ and values are rare") {
  std::vector<RowMatrix> images = random_images(45, 3);
  images[7](0, 0) = 500.0F; // neither in the first batch nor in the last
  const SiteSamples samples = samples_from(images);
  const auto width = [&](RangeObserver method) {
    return observe_range(samples, {.published = {.observer = method, .per_tensor = true}}).width()[0];
  };
  CHECK(width(RangeObserver::ema) < width(RangeObserver::minmax));
  CHECK(width(RangeObserver::percentile) < width(RangeObserver::ema));
  CHECK(width(RangeObserver::omse) < width(RangeObserver::minmax));
}

TEST_CASE("one image is both halves") {
  std::vector<RowMatrix> images = random_images(1, 4);
  images.push_back(images.front());
  const SiteSamples samples = samples_from(images);
  const ChannelRange range = observe_range(samples, {.published = {.observer = RangeObserver::ema}});
  CHECK((range.low == samples.minimum[0].row(0).transpose().array().cast<double>()).all());
  CHECK((range.high == samples.maximum[0].row(0).transpose().array().cast<double>()).all());
}

TEST_CASE("tensor codes: FQ-ViT's scale and zero point, moved from uint8 to int8") {
  const ChannelRange range{Eigen::ArrayXd::Constant(3, -1.27), Eigen::ArrayXd::Constant(3, 3.83)};
  const ChannelCodes codes = published::tensor_codes(range);
  for (Index c = 0; c < 3; ++c) {
    CHECK(codes.scale[c] == Approx(5.1 / 255));
    CHECK(codes.zero[c] == 64 - 128);
  }
}

TEST_CASE("round_to_even is nearbyint") {
  std::mt19937_64 generator(5);
  for (int i = 0; i < 1'000'000; ++i) {
    const double value = std::ldexp(static_cast<double>(static_cast<std::int64_t>(generator())), -63 + i % 50);
    if (round_to_even(value) != std::nearbyint(value))
      FAIL(value);
  }
  for (const double value : {-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 126.5, 127.5})
    CHECK(round_to_even(value) == std::nearbyint(value));
}

TEST_CASE("fractional_power is pow") {
  for (const double base : {0.0, 1e-12, 1.0 / 256, 0.3, 1.0, 2.0, 77.5})
    for (const double exponent : {0.0, 0.125, 0.25, 0.3, 0.5, 0.875, 0.99, 1.0}) {
      CAPTURE(base, exponent);
      CHECK(fractional_power(base, exponent) == Approx(std::pow(base, exponent)).epsilon(1e-7));
    }
}

} // namespace
// A row that weighs as much as three is as good as three of it.
TEST_CASE("statistics of codes count rows as their weights say") {
  const std::vector<RowMatrix> images = random_images(6, 5);
  SiteSamples weighed = samples_from(images);
  SiteSamples repeated = weighed;
  for (std::size_t half = 0; half < 2; ++half) {
    const Index rows = weighed.rows[half].rows();
    weighed.row_weights[half] = Eigen::ArrayXd::Ones(rows);
    std::vector<Index> rows_again;
    for (Index row = 0; row < rows; ++row) {
      const int times = row % 3 == 0 ? 3 : 1;
      weighed.row_weights[half][row] = times;
      rows_again.insert(rows_again.end(), static_cast<std::size_t>(times), row);
    }
    const RowMatrix again = repeated.rows[half](rows_again, Eigen::all);
    repeated.rows[half] = again;
  }
  const RowVector gain = RowVector::LinSpaced(channels, 0.5F, 2.0F);
  const std::array codes{codes_for(extremes(images_in_order(weighed, Part::all), unchanged(channels)), 0.5, 0.7)};
  for (const Part part : {Part::first_half, Part::second_half, Part::all}) {
    const CodeStatistics got = measure(codes, gain, weighed, part, 2).front();
    const CodeStatistics want = measure(codes, gain, repeated, part, 1).front();
    const auto equal = [](const Eigen::ArrayXd &a, const Eigen::ArrayXd &b) {
      return (a - b).abs().maxCoeff() < 1e-9 * (1 + b.abs().maxCoeff());
    };
    CHECK(equal(got.squared_error, want.squared_error));
    CHECK(equal(got.mean_error, want.mean_error));
    CHECK(equal(got.mean, want.mean));
    CHECK(equal(got.variance, want.variance));
  }
  CHECK(measure(codes, gain, weighed, Part::first_half, 1).front().mean[0] !=
        measure(codes, gain, weighed, Part::second_half, 1).front().mean[0]);

  // Mean squares of the centred codes, by the weights, are the variances.
  const CodeStatistics statistics = measure(codes, gain, weighed, Part::all, 1).front();
  const RowMatrix centred = centred_codes(codes[0], statistics.mean, gain, weighed, 2);
  const double weight = weighed.row_weights[0].sum() + weighed.row_weights[1].sum();
  for (Index c = 0; c < channels; ++c)
    CHECK(centred.row(c).cast<double>().squaredNorm() / weight == Approx(statistics.variance[c]).epsilon(1e-5));
}

} // namespace intvit
