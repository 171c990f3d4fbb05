#include "engine/image/frame.hpp"

#include <algorithm>
#include <cstring>

#include "engine/image/rgb_rows.hpp"

namespace intvit {
namespace {

// Two pixels or rows, or a single one at the end, share a colour.
int half(int size) {
  return (size + 1) / 2;
}

// Of a format whose pixels lie whole side by side.
int pixel_bytes(PixelFormat format) {
  return format == PixelFormat::grey ? 1 : format == PixelFormat::rgba ? 4 : 3;
}

void reverse(std::uint8_t *rgb, int width) {
  std::uint8_t *last = rgb + (std::ptrdiff_t{width} - 1) * 3;
  for (; rgb < last; rgb += 3, last -= 3)
    std::swap_ranges(rgb, rgb + 3, last);
}

// The shares' sum is 2^16, so that the largest sum is below 2^24 + 2^16 and grey stays as it is.
void mix(std::uint8_t *rgb, int width, bool reversed) {
  const std::uint32_t of_first = grey_shares[reversed ? 2 : 0];
  const std::uint32_t of_green = grey_shares[1];
  const std::uint32_t of_third = grey_shares[reversed ? 0 : 2];
  const std::uint8_t *const end = rgb + std::ptrdiff_t{width} * 3;
  for (; rgb != end; rgb += 3) {
    const std::uint32_t sum = rgb[0] * of_first + rgb[1] * of_green + rgb[2] * of_third + (1 << 15);
    std::fill_n(rgb, 3, static_cast<std::uint8_t>(sum >> 16));
  }
}

} // namespace

int plane_count(PixelFormat format) {
  switch (format) {
  case PixelFormat::rgb:
  case PixelFormat::rgba:
  case PixelFormat::grey:
  case PixelFormat::yuyv:
  case PixelFormat::uyvy:
    return 1;
  case PixelFormat::nv12:
  case PixelFormat::nv21:
    return 2;
  case PixelFormat::i420:
    return 3;
  }
  return 1;
}

std::ptrdiff_t plane_row_bytes(PixelFormat format, int plane, int width) {
  switch (format) {
  case PixelFormat::rgb:
  case PixelFormat::rgba:
  case PixelFormat::grey:
    return std::ptrdiff_t{width} * pixel_bytes(format);
  case PixelFormat::yuyv:
  case PixelFormat::uyvy:
    return std::ptrdiff_t{half(width)} * 4;
  case PixelFormat::nv12:
  case PixelFormat::nv21:
    return plane == 0 ? width : std::ptrdiff_t{half(width)} * 2;
  case PixelFormat::i420:
    return plane == 0 ? width : half(width);
  }
  return 0;
}

int plane_rows(PixelFormat, int plane, int height) {
  return plane == 0 ? height : half(height);
}

std::optional<ImageView> Frame::rows_in_place() const {
  if (greyed || format != PixelFormat::rgb || mirrored != (quarter_turns == 2) || is_turned())
    return std::nullopt;
  // Mirrored and turned by half is upside down.
  const int first = mirrored ? region.top + region.height - 1 : region.top;
  return ImageView{planes[0] + first * strides[0] + std::ptrdiff_t{region.left} * 3, region.width, region.height,
                   mirrored ? -strides[0] : strides[0]};
}

const std::uint8_t *FrameReader::convert(int x, int y, int width, std::uint8_t *buffer) const {
  const std::uint8_t *row = frame_.planes[0] + y * frame_.strides[0];
  const PixelFormat format = frame_.format;
  switch (format) {
  case PixelFormat::rgb:
    std::memcpy(buffer, row + std::ptrdiff_t{x} * 3, static_cast<std::size_t>(width) * 3);
    return buffer;
  case PixelFormat::rgba:
    rgba_to_rgb(row + std::ptrdiff_t{x} * 4, width, buffer);
    return buffer;
  case PixelFormat::grey:
    grey_to_rgb(row + x, width, buffer);
    return buffer;
  case PixelFormat::yuyv:
  case PixelFormat::uyvy:
  case PixelFormat::nv12:
  case PixelFormat::nv21:
  case PixelFormat::i420:
    break;
  }
  const int odd = x % 2; // colours begin at an even column
  YuvRow samples{};
  for (int plane = 0; plane < plane_count(format); ++plane) {
    const auto index = static_cast<std::size_t>(plane);
    samples[index] = frame_.planes[index] + (plane == 0 ? y : y / 2) * frame_.strides[index] +
                     plane_row_bytes(format, plane, x - odd);
  }
  yuv_to_rgb(format, samples, width + odd, factors_, buffer);
  return buffer + std::ptrdiff_t{odd} * 3;
}

const std::uint8_t *FrameReader::read(int top, int count, int left, int width, std::uint8_t *buffer,
                                      std::ptrdiff_t stride) const {
  std::ptrdiff_t begin = 0;
  if (frame_.is_turned())
    read_turned(top, count, left, width, buffer, stride);
  else
    begin = read_upright(top, count, left, width, buffer, stride);
  if (frame_.greyed)
    for (int row = 0; row < count; ++row)
      mix(buffer + begin + row * stride, width, frame_.reversed);
  return buffer + begin;
}

std::ptrdiff_t FrameReader::read_upright(int top, int count, int left, int width, std::uint8_t *buffer,
                                         std::ptrdiff_t stride) const {
  const Region &region = frame_.region;
  const bool upside_down = frame_.quarter_turns == 2;
  const bool mirrored = frame_.mirrored != upside_down;
  // Of all rows alike: their first pixels are in the same column.
  const int x = region.left + (mirrored ? region.width - left - width : left);
  std::ptrdiff_t begin = 0;
  for (int row = 0; row < count; ++row) {
    const int y = region.top + (upside_down ? region.height - 1 - top - row : top + row);
    std::uint8_t *to = buffer + row * stride;
    begin = convert(x, y, width, to) - to;
    if (mirrored)
      reverse(to + begin, width);
  }
  return begin;
}

// A row of the picture is a column of the frame: of each of the frame's rows, as many pixels as rows are wanted.
void FrameReader::read_turned(int top, int count, int left, int width, std::uint8_t *buffer,
                              std::ptrdiff_t stride) const {
  const Region &region = frame_.region;
  const bool clockwise = frame_.quarter_turns == 1;
  const bool mirrored = frame_.mirrored != (frame_.quarter_turns == 3); // the frame's columns come from the right
  const int x = region.left + (mirrored ? region.width - top - count : top);
  std::uint8_t pixels[static_cast<std::size_t>(row_bytes(most_rows))];
  for (int column = left; column < left + width; ++column) {
    const int y = region.top + (clockwise ? region.height - 1 - column : column);
    const std::uint8_t *pixel = convert(x, y, count, pixels);
    std::uint8_t *to = buffer + std::ptrdiff_t{column - left} * 3;
    for (int row = 0; row < count; ++row, pixel += 3)
      std::memcpy(to + (mirrored ? count - 1 - row : row) * stride, pixel, 3);
  }
}

} // namespace intvit
