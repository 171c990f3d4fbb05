#include "models/quantize/calibration.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <stdexcept>

#include "models/parallel.hpp"
#include "models/reference/forward.hpp"

namespace intvit {

namespace {

using reference::Site;
using reference::SiteKind;

// About how many rows are sampled over all images: enough to estimate the squared error of a channel, and little
// memory.
constexpr Eigen::Index sampled_rows = 8192;

// Some of the tokens of an image: the class token and others, evenly spread; where they begin differs between images.
std::vector<int> sampled_tokens(Eigen::Index tokens, std::size_t image, std::size_t images) {
  const Eigen::Index count = std::clamp<Eigen::Index>(sampled_rows / static_cast<Eigen::Index>(images), 1, tokens);
  std::vector<int> result{0};
  for (Eigen::Index i = 1; i < count; ++i)
    result.push_back(
        static_cast<int>(1 + (i * (tokens - 1) / count + static_cast<Eigen::Index>(image) * 7) % (tokens - 1)));
  return result;
}

struct ImageSamples {
  std::vector<int> tokens; // of the rows
  RowMatrix rows;
  RowVector minimum;
  RowVector maximum;

  ImageSamples() = default;
  // Throws where a value is NaN, infinite or so large that products of it could be: all that follows, scales and
  // squared errors, is computed of these samples, and NaN is no integer.
  ImageSamples(const MatrixView &activation, std::size_t image, std::size_t images)
      : tokens(sampled_tokens(activation.rows(), image, images)), rows(activation(tokens, Eigen::all)),
        minimum(activation.row(0)), maximum(activation.row(0)) {
    // By pointers, row after row: compilers make vector code of it. The bits of magnitudes have the magnitudes' order,
    // and NaN is above all.
    std::int32_t largest = 0;
    for (Eigen::Index row = 0; row < activation.rows(); ++row) {
      const float *values = activation.row(row).data();
      for (Eigen::Index c = 0; c < activation.cols(); ++c)
        largest = std::max(largest, std::bit_cast<std::int32_t>(values[c]) & 0x7fffffff);
      float *low = minimum.data();
      float *high = maximum.data();
      for (Eigen::Index c = 0; c < activation.cols(); ++c) {
        low[c] = values[c] < low[c] ? values[c] : low[c];
        high[c] = values[c] > high[c] ? values[c] : high[c];
      }
    }
    if (largest > std::bit_cast<std::int32_t>(largest_value))
      throw std::runtime_error(
          "an activation on the calibration images is no number or beyond 1e15: the weights are too "
          "large, or not those of this architecture");
  }
};

// Even images make the first half, odd ones the second. A single image is both.
SiteSamples join(const std::vector<ImageSamples> &images) {
  SiteSamples site;
  for (std::size_t half = 0; half < 2; ++half) {
    const std::size_t first = images.size() == 1 ? 0 : half;
    const auto count = static_cast<Eigen::Index>((images.size() - first + 1) / 2);
    const Eigen::Index rows = images[first].rows.rows();
    const Eigen::Index channels = images[first].rows.cols();
    site.rows[half].resize(count * rows, channels);
    site.minimum[half].resize(count, channels);
    site.maximum[half].resize(count, channels);
    for (Eigen::Index i = 0; i < count; ++i) {
      const ImageSamples &image = images[first + 2 * static_cast<std::size_t>(i)];
      site.rows[half].middleRows(i * rows, rows) = image.rows;
      site.minimum[half].row(i) = image.minimum;
      site.maximum[half].row(i) = image.maximum;
      site.tokens[half].insert(site.tokens[half].end(), image.tokens.begin(), image.tokens.end());
    }
  }
  return site;
}

bool after_attention(SiteKind kind) {
  return kind >= SiteKind::attention_output;
}

} // namespace

void SiteSamples::weigh_class_token() {
  for (std::size_t half = 0; half < 2; ++half) {
    const auto count = static_cast<double>(tokens[half].size());
    const auto first = static_cast<double>(std::count(tokens[half].begin(), tokens[half].end(), 0));
    if (first == count)
      continue; // nothing else was seen
    row_weights[half].resize(static_cast<Eigen::Index>(tokens[half].size()));
    for (std::size_t row = 0; row < tokens[half].size(); ++row)
      row_weights[half][static_cast<Eigen::Index>(row)] =
          0.5 * count / (tokens[half][row] == 0 ? first : count - first);
  }
}

SiteSamples side_by_side(std::span<const SiteSamples *const> parts) {
  const auto join_columns = [&](auto matrix_of) {
    Eigen::Index columns = 0;
    for (const SiteSamples *part : parts)
      columns += matrix_of(*part).cols();
    RowMatrix joined(matrix_of(*parts.front()).rows(), columns);
    columns = 0;
    for (const SiteSamples *part : parts) {
      joined.middleCols(columns, matrix_of(*part).cols()) = matrix_of(*part);
      columns += matrix_of(*part).cols();
    }
    return joined;
  };
  SiteSamples joined;
  for (std::size_t half = 0; half < 2; ++half) {
    joined.rows[half] = join_columns([half](const SiteSamples &s) -> const RowMatrix & { return s.rows[half]; });
    joined.minimum[half] = join_columns([half](const SiteSamples &s) -> const RowMatrix & { return s.minimum[half]; });
    joined.maximum[half] = join_columns([half](const SiteSamples &s) -> const RowMatrix & { return s.maximum[half]; });
  }
  return joined;
}

bool all_the_same(std::span<const Image> images) {
  return std::all_of(images.begin(), images.end(), [&](const Image &image) { return image.rgb == images[0].rgb; });
}

bool all_of_one_colour(std::span<const Image> images) {
  return std::all_of(images.begin(), images.end(), [](const Image &image) {
    const std::vector<std::uint8_t> &rgb = image.rgb;
    return std::equal(rgb.begin() + 3, rgb.end(), rgb.begin()); // each byte is that of the pixel before
  });
}

const SiteSamples &samples_of(const BlockSamples &samples, SiteKind kind) {
  for (const auto &[site, values] : samples)
    if (site == kind)
      return values;
  throw std::out_of_range("an activation was not sampled");
}

// Gathers the samples of one block. Every image writes to a place of its own, so no lock is needed.
class Calibration::Collector {
public:
  Collector(std::vector<SiteKind> kinds, std::size_t images, int kept_rows = 0)
      : kinds_(std::move(kinds)), kept_rows_(kept_rows), samples_(kinds_.size(), std::vector<ImageSamples>(images)) {}

  class ForImage : public reference::Observer {
  public:
    ForImage(Collector &collector, std::size_t image) : collector_(collector), image_(image) {}
    void observe(const Site &site, const MatrixView &activation) override {
      const auto kind = std::find(collector_.kinds_.begin(), collector_.kinds_.end(), site.kind);
      if (kind == collector_.kinds_.end())
        return;
      auto &slot = collector_.samples_[static_cast<std::size_t>(kind - collector_.kinds_.begin())];
      if (collector_.kept_rows_ > 0 && after_attention(site.kind))
        slot[image_] = ImageSamples(activation.topRows(collector_.kept_rows_), image_, slot.size());
      else
        slot[image_] = ImageSamples(activation, image_, slot.size());
    }

  private:
    Collector &collector_;
    std::size_t image_;
  };

  BlockSamples samples() const {
    BlockSamples result;
    result.reserve(kinds_.size());
    for (std::size_t i = 0; i < kinds_.size(); ++i)
      result.emplace_back(kinds_[i], join(samples_[i]));
    return result;
  }

private:
  std::vector<SiteKind> kinds_;
  int kept_rows_;
  std::vector<std::vector<ImageSamples>> samples_; // [kind][image]
};

Calibration::Calibration(std::span<const Image> images, int threads)
    : images_(images), threads_(threads), streams_(images.size()) {
  if (images.empty())
    throw std::runtime_error("calibration needs at least one image");
}

BlockSamples Calibration::embed(std::initializer_list<SiteKind> kinds, const Embed &embed) {
  Collector collector({kinds}, images_.size());
  parallel_for(threads_, images_.size(), [&](std::size_t i, std::size_t) {
    Collector::ForImage observer(collector, i);
    streams_[i].rows = embed(images_[i], observer);
  });
  return collector.samples();
}

SiteSamples Calibration::stream() const {
  std::vector<ImageSamples> images(streams_.size());
  parallel_for(threads_, images.size(),
               [&](std::size_t i, std::size_t) { images[i] = ImageSamples(streams_[i].rows, i, images.size()); });
  return join(images);
}

BlockSamples Calibration::run(std::initializer_list<SiteKind> kinds, const Step &step) {
  Collector collector({kinds}, images_.size());
  parallel_for(threads_, images_.size(), [&](std::size_t i, std::size_t) {
    Collector::ForImage observer(collector, i);
    streams_[i].rows = step(streams_[i], observer);
  });
  return collector.samples();
}

BlockSamples Calibration::run_block(const BlockConfig &config, const BlockWeights &block, int kept_rows,
                                    const TokenMerging &merging) {
  std::vector<SiteKind> kinds{
      SiteKind::query,        SiteKind::key,        SiteKind::value,      SiteKind::attention_output,
      SiteKind::block_middle, SiteKind::fc1_output, SiteKind::gelu_output};
  if (config.post_norms)
    kinds.insert(kinds.end(), {SiteKind::block_input, SiteKind::attention_branch, SiteKind::attention_added,
                               SiteKind::mlp_branch, SiteKind::mlp_added});
  else
    kinds.insert(kinds.end(), {SiteKind::norm1_normalized, SiteKind::norm2_normalized});
  if (config.cosine)
    kinds.insert(kinds.end(), {SiteKind::unit_query, SiteKind::unit_key});
  if (config.rotation)
    kinds.insert(kinds.end(), {SiteKind::rotated_query, SiteKind::rotated_key});
  if (config.mlp.gated)
    kinds.insert(kinds.end(), {SiteKind::gate_output, SiteKind::gate_activated});
  if (config.attention_norm)
    kinds.push_back(SiteKind::attention_normalized);
  if (config.mlp.normed)
    kinds.insert(kinds.end(), {SiteKind::gated_product, SiteKind::hidden_normalized});
  Collector collector(std::move(kinds), images_.size(), kept_rows);
  parallel_for(threads_, images_.size(), [&](std::size_t i, std::size_t) {
    Collector::ForImage observer(collector, i);
    reference::TokenStream &stream = streams_[i];
    reference::block_forward(config, block, merging, stream, 0, &observer);
    if (kept_rows > 0) {
      stream.rows = RowMatrix(stream.rows.topRows(kept_rows));
      stream.sizes.resize(std::min(stream.sizes.size(), static_cast<std::size_t>(kept_rows)));
    }
  });
  return collector.samples();
}

} // namespace intvit
