#include "engine/image/jpeg/colors.hpp"

#include <algorithm>
#include <cstddef>

#include "engine/image/lanes.hpp"

namespace intvit {
namespace {

using namespace lanes;

// The factors in units of 2^-16. Whole numbers are split off so that the rest has 16 bits with its sign:
// 1.402 = 1 + 26345, 1.772 = 2 - 14942, 0.71414 = 1 - 18734.
constexpr std::int16_t red_of_cr = 26345;
constexpr std::int16_t blue_of_cb = -14942;
constexpr std::int16_t green_of_cb = -22554;
constexpr std::int16_t green_of_cr = 18734;
constexpr int rounding = 1 << 15;

struct Pixel {
  std::uint8_t red, green, blue;
};

INTVIT_INLINE std::uint8_t clamp_byte(int x) {
  return static_cast<std::uint8_t>(std::clamp(x, 0, 255));
}

INTVIT_INLINE Pixel rgb_of_ycc(int y, int cb, int cr) {
  cb -= 128;
  cr -= 128;
  return {clamp_byte(y + cr + ((red_of_cr * cr + rounding) >> 16)),
          clamp_byte(y - cr + ((green_of_cb * cb + green_of_cr * cr + rounding) >> 16)),
          clamp_byte(y + 2 * cb + ((blue_of_cb * cb + rounding) >> 16))};
}

// (a * x + b * y + 2^15) >> 16.
INTVIT_INLINE I16x8 weigh(I16x8 x, I16x8 y, std::int16_t a, std::int16_t b) {
  const I32x4 half = I32x4{} + rounding;
  return narrow((multiply_add_pairs(zip_low(x, y), a, b) + half) >> 16,
                (multiply_add_pairs(zip_high(x, y), a, b) + half) >> 16);
}

template <bool shuffles>
INTVIT_INLINE void ycc_row(const std::uint8_t *y, const std::uint8_t *cb, const std::uint8_t *cr, int width,
                           std::uint8_t *rgb) {
  int x = 0;
  for (; x + 16 < width; x += 16) { // the last pixel's bytes are written below, over those that are too many here
    const auto luma = load<U8x16>(y + x);
    const auto blues = load<U8x16>(cb + x);
    const auto reds = load<U8x16>(cr + x);
    const auto half = [](I16x8 l, I16x8 b, I16x8 r, std::array<I16x8, 3> & out) __attribute__((always_inline)) {
      b -= 128;
      r -= 128;
      out = {l + r + weigh(r, b, red_of_cr, 0), l - r + weigh(b, r, green_of_cb, green_of_cr),
             l + b + b + weigh(b, r, blue_of_cb, 0)};
    };
    std::array<I16x8, 3> low;
    std::array<I16x8, 3> high;
    half(low_bytes(luma), low_bytes(blues), low_bytes(reds), low);
    half(high_bytes(luma), high_bytes(blues), high_bytes(reds), high);
    store_rgb<shuffles>(narrow_unsigned(low[0], high[0]), narrow_unsigned(low[1], high[1]),
                        narrow_unsigned(low[2], high[2]), rgb + static_cast<std::ptrdiff_t>(x) * 3);
  }
  for (; x < width; ++x) {
    const Pixel pixel = rgb_of_ycc(y[x], cb[x], cr[x]);
    std::memcpy(rgb + static_cast<std::ptrdiff_t>(x) * 3, &pixel, 3);
  }
}

#if defined(__x86_64__)
INTVIT_AVX2_FUNCTION void ycc_row_avx2(const std::uint8_t *y, const std::uint8_t *cb, const std::uint8_t *cr, int width,
                                       std::uint8_t *rgb) {
  ycc_row<true>(y, cb, cr, width, rgb);
}
#endif

// a * b / 255, rounded, as Pillow computes it.
int scale_byte(int a, int b) {
  const int product = a * b + 128;
  return ((product >> 8) + product) >> 8;
}

void cmyk_row(const std::array<const std::uint8_t *, 4> &inks, bool is_ycck, int width, std::uint8_t *rgb) {
  const std::uint8_t *black = inks[3];
  for (int x = 0; x < width; ++x) {
    // Without ink is 255: stored is how much of each colour is left.
    Pixel left{inks[0][x], inks[1][x], inks[2][x]};
    if (is_ycck) {
      left = rgb_of_ycc(left.red, left.green, left.blue);
      left = {static_cast<std::uint8_t>(255 - left.red), static_cast<std::uint8_t>(255 - left.green),
              static_cast<std::uint8_t>(255 - left.blue)};
    }
    const int light = black[x];
    for (const std::uint8_t colour : {left.red, left.green, left.blue})
      *rgb++ = clamp_byte(light - scale_byte(255 - colour, light));
  }
}

} // namespace

void to_rgb(JpegColors colors, const std::array<const std::uint8_t *, 4> &components, int width, std::uint8_t *rgb) {
  switch (colors) {
  case JpegColors::grey:
    for (int x = 0; x < width; ++x)
      rgb = std::fill_n(rgb, 3, components[0][x]);
    return;
  case JpegColors::rgb:
    for (int x = 0; x < width; ++x)
      for (const std::uint8_t *component : {components[0], components[1], components[2]})
        *rgb++ = component[x];
    return;
  case JpegColors::ycc:
#if defined(__x86_64__)
    if (has_avx2())
      return ycc_row_avx2(components[0], components[1], components[2], width, rgb);
#endif
    return ycc_row<false>(components[0], components[1], components[2], width, rgb);
  case JpegColors::cmyk:
  case JpegColors::ycck:
    return cmyk_row(components, colors == JpegColors::ycck, width, rgb);
  }
}

} // namespace intvit
