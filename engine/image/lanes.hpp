// Vectors of 128 bits in the notation that GCC and clang have in common. They compile for every processor; an operation
// that it has no instruction for is computed lane by lane. This file adds the operations that the notation lacks.
//
// Functions that work on pixels exist once in the source, marked INTVIT_INLINE. Two functions call each: one is
// compiled with the options of the whole program, one for AVX2. The processor decides at run time which of them runs;
// both give the same bits.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define INTVIT_INLINE [[gnu::always_inline]] inline
#if defined(__x86_64__)
#define INTVIT_AVX2_FUNCTION [[gnu::target("avx2")]]
#endif

// Bytes, pairs of lanes and words of bits are taken from memory as they lie there.
static_assert(std::endian::native == std::endian::little, "pictures are decoded by little-endian processors alone");

namespace intvit::lanes {

using I16x8 = std::int16_t __attribute__((vector_size(16)));
using U16x8 = std::uint16_t __attribute__((vector_size(16)));
using I32x4 = std::int32_t __attribute__((vector_size(16)));
using U8x16 = std::uint8_t __attribute__((vector_size(16)));
using U64x2 = std::uint64_t __attribute__((vector_size(16)));

#if defined(__x86_64__)
inline bool has_avx2() {
  return __builtin_cpu_supports("avx2") != 0;
}
#endif

template <class Vector> INTVIT_INLINE Vector load(const void *from) {
  Vector vector;
  std::memcpy(&vector, from, sizeof vector);
  return vector;
}

template <class Vector> INTVIT_INLINE void store(void *to, Vector vector) {
  std::memcpy(to, &vector, sizeof vector);
}

// a0 b0 a1 b1 ... of the lower or upper halves.
INTVIT_INLINE I16x8 zip_low(I16x8 a, I16x8 b) {
  return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}
INTVIT_INLINE I16x8 zip_high(I16x8 a, I16x8 b) {
  return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}
INTVIT_INLINE U8x16 zip_low(U8x16 a, U8x16 b) {
  return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}
INTVIT_INLINE U8x16 zip_high(U8x16 a, U8x16 b) {
  return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

// x0 * y0 + x1 * y1, x2 * y2 + x3 * y3 ...: no sum overflows as long as not all four are -2^15.
INTVIT_INLINE I32x4 multiply_add_pairs(I16x8 x, I16x8 y) {
#if defined(__SSE2__)
  return I32x4(_mm_madd_epi16(__m128i(x), __m128i(y)));
#else
  const auto first = [](I16x8 v) { return (I32x4(v) << 16) >> 16; }; // the first of a pair is the lower half
  const auto second = [](I16x8 v) { return I32x4(v) >> 16; };
  return first(x) * first(y) + second(x) * second(y);
#endif
}

// The same pair for each pair of lanes.
INTVIT_INLINE I16x8 pairs(std::int16_t a, std::int16_t b) {
  return I16x8{a, b, a, b, a, b, a, b};
}
INTVIT_INLINE I32x4 multiply_add_pairs(I16x8 x, std::int16_t a, std::int16_t b) {
  return multiply_add_pairs(x, pairs(a, b));
}

// Both, clamped to 16 bits.
INTVIT_INLINE I16x8 narrow(I32x4 low, I32x4 high) {
#if defined(__SSE2__)
  return I16x8(_mm_packs_epi32(__m128i(low), __m128i(high)));
#else
  I16x8 result{};
  for (int i = 0; i < 4; ++i) {
    const auto clamp = [](std::int32_t x) {
      return static_cast<std::int16_t>(x < -32768 ? -32768 : x > 32767 ? 32767 : x);
    };
    result[i] = clamp(low[i]);
    result[i + 4] = clamp(high[i]);
  }
  return result;
#endif
}

// Both, clamped to 0 .. 255.
INTVIT_INLINE U8x16 narrow_unsigned(I16x8 low, I16x8 high) {
#if defined(__SSE2__)
  return U8x16(_mm_packus_epi16(__m128i(low), __m128i(high)));
#else
  U8x16 result{};
  for (int i = 0; i < 8; ++i) {
    const auto clamp = [](int x) { return static_cast<std::uint8_t>(x < 0 ? 0 : x > 255 ? 255 : x); };
    result[i] = clamp(low[i]);
    result[i + 8] = clamp(high[i]);
  }
  return result;
#endif
}

INTVIT_INLINE I16x8 low_bytes(U8x16 bytes) {
  return I16x8(zip_low(bytes, U8x16{}));
}
INTVIT_INLINE I16x8 high_bytes(U8x16 bytes) {
  return I16x8(zip_high(bytes, U8x16{}));
}

// 16 pixels; may write 2 bytes beyond them. `shuffles`: whether the processor moves bytes anywhere in a vector.
template <bool shuffles> INTVIT_INLINE void store_rgb(U8x16 red, U8x16 green, U8x16 blue, std::uint8_t *rgb) {
  if constexpr (shuffles) {
    // Pixels 0 .. 5, 5 .. 10 and 10 .. 15: red and green with gaps (index 0), then blue into the gaps.
    const U8x16 first = __builtin_shufflevector(red, green, 0, 16, 0, 1, 17, 0, 2, 18, 0, 3, 19, 0, 4, 20, 0, 5);
    const U8x16 second = __builtin_shufflevector(red, green, 21, 0, 6, 22, 0, 7, 23, 0, 8, 24, 0, 9, 25, 0, 10, 26);
    const U8x16 third = __builtin_shufflevector(red, green, 0, 11, 27, 0, 12, 28, 0, 13, 29, 0, 14, 30, 0, 15, 31, 0);
    store(rgb, __builtin_shufflevector(first, blue, 0, 1, 16, 3, 4, 17, 6, 7, 18, 9, 10, 19, 12, 13, 20, 15));
    store(rgb + 16, __builtin_shufflevector(second, blue, 0, 21, 2, 3, 22, 5, 6, 23, 8, 9, 24, 11, 12, 25, 14, 15));
    store(rgb + 32, __builtin_shufflevector(third, blue, 26, 1, 2, 27, 4, 5, 28, 7, 8, 29, 10, 11, 30, 13, 14, 31));
    return;
  }
  const U8x16 low = zip_low(red, green);
  const U8x16 high = zip_high(red, green);
  const U8x16 blue_low = zip_low(blue, U8x16{});
  const U8x16 blue_high = zip_high(blue, U8x16{});
  const std::array<I16x8, 4> quads = {zip_low(I16x8(low), I16x8(blue_low)), zip_high(I16x8(low), I16x8(blue_low)),
                                      zip_low(I16x8(high), I16x8(blue_high)), zip_high(I16x8(high), I16x8(blue_high))};
  for (const I16x8 &quad : quads) {
    // Two pixels of 4 bytes, of which the last is 0, become 6 bytes.
    const auto pixels = U64x2(quad);
    const U64x2 packed = (pixels & 0xFFFFFF) | ((pixels >> 8) & 0xFFFFFF000000);
    const std::uint64_t first = packed[0];
    const std::uint64_t second = packed[1];
    std::memcpy(rgb, &first, sizeof first);
    std::memcpy(rgb + 6, &second, sizeof second);
    rgb += 12;
  }
}

} // namespace intvit::lanes
