#include "engine/image/png/filters.hpp"

#include <cstdlib>
#include <cstring>

#include "engine/image/lanes.hpp"

namespace intvit {
namespace {

using lanes::I16x8;
using lanes::U8x16;

// Eight bytes as lanes of 16 bits, and back.
INTVIT_INLINE I16x8 load_bytes(const std::uint8_t *from) {
  U8x16 bytes{};
  std::memcpy(&bytes, from, 8);
  return I16x8(lanes::zip_low(bytes, U8x16{}));
}
INTVIT_INLINE void store_bytes(std::uint8_t *to, I16x8 lanes_of_bytes) {
  const U8x16 bytes = lanes::narrow_unsigned(lanes_of_bytes, lanes_of_bytes);
  std::memcpy(to, &bytes, 8);
}

INTVIT_INLINE I16x8 absolute(I16x8 x) {
  const I16x8 negative = x >> 15;
  return (x ^ negative) - negative;
}

INTVIT_INLINE I16x8 choose(I16x8 mask, I16x8 yes, I16x8 no) {
  return (mask & yes) | (~mask & no);
}

// The neighbour nearest to left + above - corner: of those equally near the left one, then the one above.
INTVIT_INLINE I16x8 paeth(I16x8 left, I16x8 above, I16x8 corner) {
  const I16x8 from_left = above - corner;
  const I16x8 from_above = left - corner;
  const I16x8 a = absolute(from_left);
  const I16x8 b = absolute(from_above);
  const I16x8 c = absolute(from_left + from_above);
  const I16x8 not_left = I16x8(a > b) | I16x8(a > c);
  return choose(not_left, choose(I16x8(b > c), corner, above), left);
}

int paeth(int left, int above, int corner) {
  const int a = std::abs(above - corner);
  const int b = std::abs(left - corner);
  const int c = std::abs(left + above - 2 * corner);
  return a <= b && a <= c ? left : b <= c ? above : corner;
}

// Pixel after pixel, in lanes: all bytes of one depend on the pixel before it alone. Each step writes 8 bytes, of which
// those beyond the pixel are overwritten by the next, or lie in the slack.
template <class Predict>
void by_pixels(const std::uint8_t *stored, const std::uint8_t *above, std::uint8_t *row, std::size_t row_bytes,
               std::size_t pixel_bytes, const Predict &predict) {
  I16x8 left{};
  I16x8 corner{};
  for (std::size_t i = 0; i < row_bytes; i += pixel_bytes) {
    const I16x8 up = load_bytes(above + i);
    left = (load_bytes(stored + i) + predict(left, up, corner)) & 255;
    corner = up;
    store_bytes(row + i, left);
  }
}

template <class Predict>
void by_bytes(const std::uint8_t *stored, const std::uint8_t *above, std::uint8_t *row, std::size_t row_bytes,
              const Predict &predict) {
  int left = 0;
  int corner = 0;
  for (std::size_t i = 0; i < row_bytes; ++i) {
    const int up = above[i];
    left = (stored[i] + predict(left, up, corner)) & 255;
    corner = up;
    row[i] = static_cast<std::uint8_t>(left);
  }
}

} // namespace

bool undo_png_filter(int kind, const std::uint8_t *stored, const std::uint8_t *above, std::uint8_t *row,
                     std::size_t row_bytes, std::size_t pixel_bytes) {
  const auto predicted = [&](const auto &predict) {
    if (pixel_bytes == 1)
      by_bytes(stored, above, row, row_bytes, predict);
    else
      by_pixels(stored, above, row, row_bytes, pixel_bytes, predict);
  };
  switch (kind) {
  case 0:
    std::memcpy(row, stored, row_bytes);
    return true;
  case 1:
    predicted([](auto left, auto, auto) { return left; });
    return true;
  case 2:
    for (std::size_t i = 0; i < row_bytes; ++i)
      row[i] = static_cast<std::uint8_t>(stored[i] + above[i]);
    return true;
  case 3:
    predicted([](auto left, auto up, auto) { return (left + up) >> 1; });
    return true;
  case 4:
    predicted([](auto left, auto up, auto corner) { return paeth(left, up, corner); });
    return true;
  default:
    return false;
  }
}

} // namespace intvit
