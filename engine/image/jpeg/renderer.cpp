#include "engine/image/jpeg/renderer.hpp"

#include <algorithm>
#include <array>

#include "engine/image/jpeg/colors.hpp"
#include "engine/image/jpeg/upsample.hpp"

namespace intvit {
namespace {

// Vectors may read and write this many bytes behind a row.
constexpr std::ptrdiff_t row_padding = 32;

} // namespace

JpegRenderer::JpegRenderer(const JpegFrame &frame, JpegColors colors, Image &image)
    : frame_(frame), colors_(colors), image_(image), strips_(frame.components.size()) {
  int widest = 0;
  for (std::size_t i = 0; i < strips_.size(); ++i) {
    const JpegComponent &component = frame.components[i];
    Strip &strip = strips_[i];
    strip.horizontal_expansion = frame.most_horizontal / component.horizontal;
    strip.vertical_expansion = frame.most_vertical / component.vertical;
    // The rows of pixels that wait for their lower neighbours need `vertical` rows of samples and the row above these.
    strip.history = component.vertical + 1;
    strip.first_row = -strip.history;
    strip.stride = std::ptrdiff_t{component.columns} * block_side + row_padding;
    const std::ptrdiff_t rows = strip.history + std::ptrdiff_t{component.vertical} * block_side;
    strip.samples.resize(static_cast<std::size_t>(strip.stride * rows));
    if (strip.horizontal_expansion > 1 || strip.vertical_expansion > 1)
      strip.expanded.resize(
          static_cast<std::size_t>(std::ptrdiff_t{component.width} * strip.horizontal_expansion + row_padding));
    widest = std::max(widest, component.width);
  }
  sums_.resize(static_cast<std::size_t>(widest) + 2);
}

const std::uint8_t *JpegRenderer::expanded_row(std::size_t index, int y) {
  const JpegComponent &component = frame_.components[index];
  Strip &strip = strips_[index];
  const int row = y / strip.vertical_expansion;
  const auto samples = [&](int r) {
    // The samples at the picture's edge count for those beyond it.
    return strip.samples.data() + (std::clamp(r, 0, component.height - 1) - strip.first_row) * strip.stride;
  };
  if (strip.expanded.empty())
    return samples(row);
  std::uint8_t *output = strip.expanded.data();
  const bool lower = y % 2 != 0;
  const int neighbour = lower ? row + 1 : row - 1;
  // libjpeg repeats samples of components that are 1 or 2 samples wide.
  const bool interpolates = component.width > 2;
  if (strip.horizontal_expansion == 2 && strip.vertical_expansion == 1 && interpolates)
    upsample_2x1(samples(row), component.width, output);
  else if (strip.horizontal_expansion == 2 && strip.vertical_expansion == 2 && interpolates)
    upsample_2x2(samples(row), samples(neighbour), component.width, sums_.data(), output);
  else if (strip.horizontal_expansion == 1 && strip.vertical_expansion == 2)
    upsample_1x2(samples(row), samples(neighbour), lower, component.width, output);
  else
    repeat_samples(samples(row), strip.horizontal_expansion, component.width, output);
  return output;
}

void JpegRenderer::finish_mcu_row(int mcu_row) {
  const bool is_last = mcu_row + 1 == frame_.mcu_rows;
  const int rows_there = (mcu_row + 1) * frame_.most_vertical * block_side;
  // The pixels of the lowest samples need the samples below them.
  const int end = is_last ? frame_.height : rows_there - frame_.most_vertical;
  std::array<const std::uint8_t *, 4> rows{};
  for (; next_row_ < end; ++next_row_) {
    for (std::size_t i = 0; i < strips_.size(); ++i)
      rows[i] = expanded_row(i, next_row_);
    to_rgb(colors_, rows, frame_.width, image_.rgb.data() + static_cast<std::size_t>(next_row_) * image_.row_bytes());
  }
  for (std::size_t i = 0; i < strips_.size(); ++i) {
    Strip &strip = strips_[i];
    const std::ptrdiff_t rows_of_mcu = std::ptrdiff_t{frame_.components[i].vertical} * block_side;
    std::copy_n(strip.samples.begin() + rows_of_mcu * strip.stride, strip.history * strip.stride,
                strip.samples.begin());
    strip.first_row += rows_of_mcu;
  }
}

} // namespace intvit
