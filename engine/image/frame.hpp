// A camera's picture in memory, in the formats that cameras and programs have, read as rows of RGB.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "engine/image/image.hpp"

namespace intvit {

// Where the samples of a pixel lie. The first four are 8-bit channels side by side, one plane. A fourth channel is not
// looked at. In the others, two pixels of a row share their colour (u, v), in the last four also two rows do; of an odd
// width or height the last pixel or row has a colour of its own.
enum class PixelFormat : std::uint8_t {
  rgb,
  rgba,
  grey,
  yuyv, // one plane: y0 u y1 v
  uyvy, // one plane: u y0 v y1
  nv12, // two planes: y; u and v side by side
  nv21, // two planes: y; v and u side by side
  i420, // three planes: y, u, v
};

// How many planes there are, and of a plane the bytes of a row and the rows, for a frame of width x height.
int plane_count(PixelFormat format);
std::ptrdiff_t plane_row_bytes(PixelFormat format, int plane, int width);
int plane_rows(PixelFormat format, int plane, int height);

// Which red, green and blue y, u and v stand for.
struct YuvColors {
  enum class Space : std::uint8_t { bt601, bt709 };
  enum class Range : std::uint8_t { video, full }; // y from 16 to 235 and u, v from 16 to 240; or all from 0 to 255
  Space space = Space::bt601;
  Range range = Range::video;
};

// The factors of the formulas in docs/images.md, in units of 2^-yuv_factor_bits.
struct YuvFactors {
  std::int16_t luma = 0;
  std::int16_t red_of_v = 0;
  std::int16_t green_of_u = 0;
  std::int16_t green_of_v = 0;
  std::int16_t blue_of_u = 0;
  std::int16_t black = 0; // the y of black
};
inline constexpr int yuv_factor_bits = 13;
YuvFactors yuv_factors(YuvColors colors);

// What red, green and blue have in grey, in units of 2^-16; their sum is 2^16. Pillow's convert("L"), after ITU-R
// BT.601.
inline constexpr std::array<std::uint32_t, 3> grey_shares = {19595, 38470, 7471};
static_assert(grey_shares[0] + grey_shares[1] + grey_shares[2] == 1 << 16);

// A picture that someone else owns, and the part of it that is meant. The picture that is read is the region, then
// mirrored, then turned.
struct Frame {
  PixelFormat format = PixelFormat::rgb;
  bool reversed = false; // red and blue are exchanged: BGR, BGRA. Those who read the rows exchange them back
  YuvColors colors;
  std::array<const std::uint8_t *, 3> planes{}; // the upper left sample of each
  std::array<std::ptrdiff_t, 3> strides{};      // bytes from a row to the one below it; not 0
  Region region;
  bool mirrored = false; // left and right are exchanged
  int quarter_turns = 0; // clockwise, 0 to 3
  bool greyed = false;   // red, green and blue are each the sum of their grey_shares, rounded

  bool is_turned() const { return quarter_turns % 2 != 0; }
  // Of the picture that is read.
  int width() const { return is_turned() ? region.height : region.width; }
  int height() const { return is_turned() ? region.width : region.height; }

  // Its rows where they lie, if they need no conversion.
  std::optional<ImageView> rows_in_place() const;
};

inline Frame frame_of(const ImageView &image) {
  Frame frame;
  frame.planes[0] = image.rgb;
  frame.strides[0] = image.row_stride;
  frame.region = {0, 0, image.width, image.height};
  return frame;
}

// Converts parts of a frame.
class FrameReader {
public:
  explicit FrameReader(const Frame &frame) : frame_(frame), factors_(yuv_factors(frame.colors)) {}

  static constexpr int most_rows = 16; // at once
  // Bytes that a row of `width` pixels may take where it is written. More than 3 * width, because whole vectors are.
  static constexpr std::ptrdiff_t row_bytes(int width) { return 3 * (std::ptrdiff_t{width} + chunk + chunk); }

  // Writes the pixels left .. left + width - 1 of rows top .. top + count - 1 as R, G, B. The first row's first byte is
  // returned, the next rows' are `stride` bytes further each. `buffer` has count * stride bytes, stride is at least
  // row_bytes(width), count at most most_rows.
  const std::uint8_t *read(int top, int count, int left, int width, std::uint8_t *buffer, std::ptrdiff_t stride) const;

private:
  static constexpr int chunk = 16; // pixels that are converted at once

  // Pixels of the frame itself, from column x on, in the order in which they lie. Returns where the first one is.
  const std::uint8_t *convert(int x, int y, int width, std::uint8_t *buffer) const;
  // read() but for the grey. Returns where in `buffer` the first row's first byte is.
  std::ptrdiff_t read_upright(int top, int count, int left, int width, std::uint8_t *buffer,
                              std::ptrdiff_t stride) const;
  void read_turned(int top, int count, int left, int width, std::uint8_t *buffer, std::ptrdiff_t stride) const;

  Frame frame_;
  YuvFactors factors_;
};

} // namespace intvit
