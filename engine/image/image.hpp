// An 8-bit RGB picture in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/status.hpp"

namespace intvit {

// What a file's header announces: any numbers.
struct ImageSize {
  std::int64_t width = 0;
  std::int64_t height = 0;
};

struct Image {
  int width = 0;                 // pixels
  int height = 0;                // pixels
  std::vector<std::uint8_t> rgb; // row-major, interleaved R G B, no padding: width * height * 3 bytes

  std::size_t row_bytes() const { return static_cast<std::size_t>(width) * 3; }
};

// A picture in memory that someone else owns: interleaved R G B, rows `row_stride` bytes apart (negative if lower rows
// come first in memory).
struct ImageView {
  const std::uint8_t *rgb = nullptr; // the upper left pixel
  int width = 0;                     // pixels
  int height = 0;                    // pixels
  std::ptrdiff_t row_stride = 0;     // bytes
};

inline ImageView view(const Image &image) {
  return {image.rgb.data(), image.width, image.height, static_cast<std::ptrdiff_t>(image.row_bytes())};
}

// A rectangle of pixels.
struct Region {
  int left = 0;
  int top = 0;
  int width = 0;
  int height = 0;
};

// The largest picture: 805 MB of RGB, and sides that 16 bits hold (as JPEG's and GIF's do).
inline constexpr int max_image_side = 65'535;
inline constexpr std::int64_t max_image_pixels = std::int64_t{1} << 28;

// Ok if 1 <= width, height <= max_image_side and width * height <= max_image_pixels. Otherwise unsupported.
Status check_image_size(std::int64_t width, std::int64_t height);

// Ok if the region is inside width x height pixels and not empty. Otherwise bad_argument.
Status check_region(int width, int height, const Region &region);

// Errors: those of check_image_size; bad_argument if `image` does not hold the pixels that its size says.
Status check_pixels(const Image &image);

// The error for a picture that does not fit into memory: unsupported.
Status no_memory_for_image(std::int64_t width, std::int64_t height);

// A black picture. Errors: those of check_image_size; unsupported if it does not fit into memory.
Result<Image> make_image(std::int64_t width, std::int64_t height);

} // namespace intvit
