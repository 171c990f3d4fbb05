#include "engine/image/rgb_rows.hpp"

#include <cstddef>
#include <cstring>

#include "engine/image/lanes.hpp"

// Why nothing overflows: y, u and v are within 0 .. 255 and the factors within +-2.2 in units of 2^-13, and so is a sum
// of three products within +-2^24, that with what black and 128 make of it likewise. After the shift a sum is within
// +-2^11, which 16 bits hold, and is clamped to a byte.

namespace intvit {
namespace {

using namespace lanes;

constexpr int group = 16; // pixels that are converted at once

// A whole number n / d, rounded; n is not negative.
constexpr std::int16_t quotient(std::int64_t n, std::int64_t d) {
  return static_cast<std::int16_t>((n + d / 2) / d);
}

// Of 16 pixels. Two neighbours share a u and a v, which lie side by side, in NV21 v first.
struct Samples {
  U8x16 y, colors;
};

#if defined(__SSE2__)
INTVIT_INLINE U8x16 even_bytes(U8x16 a, U8x16 b) {
  return narrow_unsigned(I16x8(a) & 255, I16x8(b) & 255);
}
INTVIT_INLINE U8x16 odd_bytes(U8x16 a, U8x16 b) {
  return narrow_unsigned(I16x8(U16x8(a) >> 8), I16x8(U16x8(b) >> 8));
}
#else
INTVIT_INLINE U8x16 even_bytes(U8x16 a, U8x16 b) {
  return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
}
INTVIT_INLINE U8x16 odd_bytes(U8x16 a, U8x16 b) {
  return __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
}
#endif

// The samples of the 16 pixels that begin at `at`, a pointer for each plane.
INTVIT_INLINE Samples load_samples(PixelFormat format, const YuvRow &at) {
  const auto first = load<U8x16>(at[0]);
  if (format == PixelFormat::yuyv || format == PixelFormat::uyvy) {
    const auto second = load<U8x16>(at[0] + 16);
    const U8x16 even = even_bytes(first, second);
    const U8x16 odd = odd_bytes(first, second);
    return format == PixelFormat::yuyv ? Samples{even, odd} : Samples{odd, even};
  }
  if (format == PixelFormat::i420) {
    U8x16 u{};
    U8x16 v{};
    std::memcpy(&u, at[1], 8);
    std::memcpy(&v, at[2], 8);
    return {first, zip_low(u, v)};
  }
  return {first, load<U8x16>(at[1])};
}

// How far apart two pixels of an even distance lie in a plane, in half bytes.
constexpr std::array<std::ptrdiff_t, 3> half_bytes_of_pixel(PixelFormat format) {
  switch (format) {
  case PixelFormat::i420:
    return {2, 1, 1};
  case PixelFormat::nv12:
  case PixelFormat::nv21:
    return {2, 2, 0};
  default: // all in one plane
    return {4, 0, 0};
  }
}

// What a red, green or blue takes of u and v, and of black, 128 and the rounding.
struct ColorFactors {
  I16x8 of_colors;
  I32x4 constant;

  ColorFactors(const YuvFactors &factors, std::int16_t of_u, std::int16_t of_v, bool v_first)
      : of_colors(v_first ? pairs(of_v, of_u) : pairs(of_u, of_v)),
        constant(I32x4{} + ((1 << (yuv_factor_bits - 1)) - factors.luma * factors.black - 128 * (of_u + of_v))) {}
};

// The even pixels' and the odd ones', in one order.
INTVIT_INLINE U8x16 alternate(U8x16 even_and_odd) {
  const auto halves = U64x2(even_and_odd);
  return zip_low(even_and_odd, U8x16(U64x2{halves[1], 0}));
}

template <bool shuffles>
INTVIT_INLINE void convert(PixelFormat format, YuvRow at, int width, const YuvFactors &factors, std::uint8_t *rgb) {
  const std::array<std::ptrdiff_t, 3> steps = half_bytes_of_pixel(format);
  const bool v_first = format == PixelFormat::nv21;
  const std::array<ColorFactors, 3> channels = {ColorFactors(factors, 0, factors.red_of_v, v_first),
                                                ColorFactors(factors, factors.green_of_u, factors.green_of_v, v_first),
                                                ColorFactors(factors, factors.blue_of_u, 0, v_first)};
  const I16x8 of_even = pairs(factors.luma, 0);
  const I16x8 of_odd = pairs(0, factors.luma);
  alignas(16)
      std::uint8_t copies[3][std::size_t{2 * group}] = {}; // of the last pixels, which may be fewer than a group
  for (int left = width; left > 0; left -= group, rgb += std::ptrdiff_t{group} * 3) {
    if (left < group)
      for (std::size_t plane = 0; plane < at.size() && steps[plane] > 0; ++plane) {
        // Colours that two pixels share are there for both; of y there are as many as pixels.
        const int pixels = steps[plane] == 2 && plane == 0 ? left : left + left % 2;
        std::memcpy(copies[plane], at[plane], static_cast<std::size_t>(pixels * steps[plane] / 2));
        at[plane] = copies[plane];
      }
    const Samples samples = load_samples(format, at);
    // Lanes of 32 bits are pairs of pixels: a pair's u and v serve the even pixel and the odd one.
    const std::array<I16x8, 2> y = {low_bytes(samples.y), high_bytes(samples.y)};
    const std::array<I16x8, 2> colors = {low_bytes(samples.colors), high_bytes(samples.colors)};
    const std::array<I32x4, 4> luma = {multiply_add_pairs(y[0], of_even), multiply_add_pairs(y[1], of_even),
                                       multiply_add_pairs(y[0], of_odd), multiply_add_pairs(y[1], of_odd)};
    const auto channel = [&](const ColorFactors &of) __attribute__((always_inline)) {
      const I32x4 low = multiply_add_pairs(colors[0], of.of_colors) + of.constant;
      const I32x4 high = multiply_add_pairs(colors[1], of.of_colors) + of.constant;
      return alternate(
          narrow_unsigned(narrow((luma[0] + low) >> yuv_factor_bits, (luma[1] + high) >> yuv_factor_bits),
                          narrow((luma[2] + low) >> yuv_factor_bits, (luma[3] + high) >> yuv_factor_bits)));
    };
    store_rgb<shuffles>(channel(channels[0]), channel(channels[1]), channel(channels[2]), rgb);
    for (std::size_t plane = 0; plane < at.size(); ++plane)
      at[plane] += group * steps[plane] / 2;
  }
}

// Overlapping writes: what is too much is written again with the next pixel.
template <bool shuffles> INTVIT_INLINE void drop_fourth(const std::uint8_t *row, int width, std::uint8_t *rgb) {
  int x = 0;
  if constexpr (shuffles)
    for (; x + 4 <= width; x += 4, row += 16, rgb += 12) {
      const auto pixels = load<U8x16>(row);
      store(rgb, __builtin_shufflevector(pixels, pixels, 0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 0, 0, 0, 0));
    }
  for (; x < width; ++x, row += 4, rgb += 3)
    std::memcpy(rgb, row, 4);
}

template <bool shuffles> INTVIT_INLINE void repeat(const std::uint8_t *row, int width, std::uint8_t *rgb) {
  int x = 0;
  if constexpr (shuffles)
    for (; x + group <= width; x += group, row += group, rgb += std::ptrdiff_t{group} * 3) {
      const auto grey = load<U8x16>(row);
      store(rgb, __builtin_shufflevector(grey, grey, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5));
      store(rgb + 16, __builtin_shufflevector(grey, grey, 5, 5, 6, 6, 6, 7, 7, 7, 8, 8, 8, 9, 9, 9, 10, 10));
      store(rgb + 32,
            __builtin_shufflevector(grey, grey, 10, 11, 11, 11, 12, 12, 12, 13, 13, 13, 14, 14, 14, 15, 15, 15));
    }
  for (; x < width; ++x, ++row, rgb += 3) {
    const std::uint32_t pixel = *row * std::uint32_t{0x010101};
    std::memcpy(rgb, &pixel, sizeof pixel);
  }
}

#if defined(__x86_64__)
INTVIT_AVX2_FUNCTION void drop_fourth_avx2(const std::uint8_t *row, int width, std::uint8_t *rgb) {
  drop_fourth<true>(row, width, rgb);
}
INTVIT_AVX2_FUNCTION void repeat_avx2(const std::uint8_t *row, int width, std::uint8_t *rgb) {
  repeat<true>(row, width, rgb);
}
INTVIT_AVX2_FUNCTION void convert_avx2(PixelFormat format, const YuvRow &row, int width, const YuvFactors &factors,
                                       std::uint8_t *rgb) {
  convert<true>(format, row, width, factors, rgb);
}
#endif

} // namespace

YuvFactors yuv_factors(YuvColors colors) {
  // The shares of red, green and blue in y, in units of 1/10000.
  const bool is_601 = colors.space == YuvColors::Space::bt601;
  const std::int64_t red = is_601 ? 2990 : 2126;
  const std::int64_t blue = is_601 ? 1140 : 722;
  const std::int64_t green = 10000 - red - blue;
  const bool full = colors.range == YuvColors::Range::full;
  constexpr std::int64_t one = 1 << yuv_factor_bits;
  const std::int64_t n = full ? one : one * 255; // a step of u or v is n / d
  const std::int64_t d = full ? 1 : 224;
  const std::int64_t of_v = 2 * (10000 - red) * n;
  const std::int64_t of_u = 2 * (10000 - blue) * n;
  return {full ? static_cast<std::int16_t>(one) : quotient(one * 255, 219),
          quotient(of_v, 10000 * d),
          static_cast<std::int16_t>(-quotient(of_u * blue, 10000 * d * green)),
          static_cast<std::int16_t>(-quotient(of_v * red, 10000 * d * green)),
          quotient(of_u, 10000 * d),
          static_cast<std::int16_t>(full ? 0 : 16)};
}

void yuv_to_rgb(PixelFormat format, const YuvRow &row, int width, const YuvFactors &factors, std::uint8_t *rgb) {
#if defined(__x86_64__)
  if (has_avx2())
    return convert_avx2(format, row, width, factors, rgb);
#endif
  convert<false>(format, row, width, factors, rgb);
}

void rgba_to_rgb(const std::uint8_t *row, int width, std::uint8_t *rgb) {
#if defined(__x86_64__)
  if (has_avx2())
    return drop_fourth_avx2(row, width, rgb);
#endif
  drop_fourth<false>(row, width, rgb);
}

void grey_to_rgb(const std::uint8_t *row, int width, std::uint8_t *rgb) {
#if defined(__x86_64__)
  if (has_avx2())
    return repeat_avx2(row, width, rgb);
#endif
  repeat<false>(row, width, rgb);
}

} // namespace intvit
