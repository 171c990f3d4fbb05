// 256-bit vectors: 8 lanes of 32 bits. With AVX2 alone the exact dot product widens to 16 bits (vpmaddubsw would
// saturate and give wrong sums); with AVX-VNNI it is 4 unsigned by 4 signed bytes.
//
// Included only by translation units that are compiled for one of the two; `Set` keeps their code apart.
#pragma once

#include <cstdint>
#include <cstring>
#include <immintrin.h>

#include "kernels/gelu.hpp"

namespace intvit::kernels::avx256 {

template <class Set> struct Operations {
  using Vec = __m256i;

  static constexpr int lanes = 8;
  // 6 x 16: 12 accumulators, 2 weights and 1 input of 16 registers.
  static constexpr int tile_rows = 6;
  static constexpr int tile_vectors = 2;

  static Vec load(const std::int32_t *from) { return _mm256_loadu_si256(reinterpret_cast<const Vec *>(from)); }
  static Vec load64(const std::int64_t *from) { return _mm256_loadu_si256(reinterpret_cast<const Vec *>(from)); }
  // The first `count` elements, widened; nothing behind them is read.
  template <typename T> static Vec load(const T *from, int count) {
    if (count == lanes)
      return widen(from);
    T whole[lanes] = {};
    std::memcpy(whole, from, static_cast<std::size_t>(count) * sizeof(T));
    return widen(whole);
  }
  static void store(std::int32_t *to, Vec value, int count) {
    alignas(32) std::int32_t whole[lanes];
    _mm256_store_si256(reinterpret_cast<Vec *>(whole), value);
    std::memcpy(to, whole, static_cast<std::size_t>(count) * sizeof(std::int32_t));
  }
  static void store_clamped(std::int8_t *to, Vec value, int count) {
    const __m128i words = to_words(value);
    const std::int64_t bytes = _mm_cvtsi128_si64(_mm_packs_epi16(words, words));
    std::memcpy(to, &bytes, static_cast<std::size_t>(count));
  }
  // 16-bit codes are symmetric: -32768 does not occur.
  static void store_clamped(std::int16_t *to, Vec value, int count) {
    alignas(16) std::int16_t whole[lanes];
    _mm_store_si128(reinterpret_cast<__m128i *>(whole), _mm_max_epi16(to_words(value), _mm_set1_epi16(-32767)));
    std::memcpy(to, whole, static_cast<std::size_t>(count) * sizeof(std::int16_t));
  }

  static Vec shift_left(Vec value, int count) { return _mm256_sll_epi32(value, _mm_cvtsi32_si128(count)); }

  // The upper halves of 64-bit sums of even and odd lanes, shifted right by the rest of `shift`.
  static Vec narrow(Vec even, Vec odd, int shift) {
    return _mm256_sra_epi32(_mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xAA), _mm_cvtsi32_si128(shift - 32));
  }
  static Vec requantize(Vec sum, Vec multiplier, Vec even_offset, Vec odd_offset, int shift) {
    const Vec even = _mm256_add_epi64(_mm256_mul_epi32(sum, multiplier), even_offset);
    const Vec odd =
        _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(sum, 32), _mm256_srli_epi64(multiplier, 32)), odd_offset);
    return narrow(even, odd, shift);
  }
  static Vec add_requantize(Vec sum, Vec multiplier, Vec code, Vec code_multiplier, Vec even_offset, Vec odd_offset,
                            int shift) {
    const Vec even = _mm256_add_epi64(_mm256_add_epi64(_mm256_mul_epi32(sum, multiplier), even_offset),
                                      _mm256_mul_epi32(code, code_multiplier));
    const Vec odd = _mm256_add_epi64(
        _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(sum, 32), _mm256_srli_epi64(multiplier, 32)), odd_offset),
        _mm256_mul_epi32(_mm256_srli_epi64(code, 32), _mm256_srli_epi64(code_multiplier, 32)));
    return narrow(even, odd, shift);
  }

  // kernels/gelu.hpp, gelu() and gelu_code(), before the last clamp. x is clamped to 16 bits here.
  static Vec gelu_code(Vec x, int fraction_bits, Vec multiplier, Vec zero_point) {
    x = _mm256_max_epi32(_mm256_min_epi32(x, _mm256_set1_epi32(32767)), _mm256_set1_epi32(-32767));
    const int chord_bits = fraction_bits - 4;
    const Vec u = _mm256_min_epi32(_mm256_abs_epi32(x), _mm256_set1_epi32((1 << (fraction_bits + 2)) - 1));
    const Vec chord = _mm256_srl_epi32(u, _mm_cvtsi32_si128(chord_bits));
    // The table's 16-bit entries are read in pairs: a chord's start in the lower half, its end in the upper. A pair of
    // 16-bit products with 2^14 - p and p, p being half the position, is start * 2^14 + slope * p.
    const Vec entry = _mm256_i32gather_epi32(reinterpret_cast<const std::int32_t *>(gelu_tail.data()), chord, 2);
    const Vec place = _mm256_and_si256(u, _mm256_set1_epi32((1 << chord_bits) - 1));
    const Vec p = _mm256_sll_epi32(place, _mm_cvtsi32_si128(14 - chord_bits));
    const Vec pair = _mm256_or_si256(_mm256_slli_epi32(p, 16), _mm256_sub_epi32(_mm256_set1_epi32(1 << 14), p));
    const Vec tail16 =
        _mm256_srai_epi32(_mm256_add_epi32(_mm256_madd_epi16(entry, pair), _mm256_set1_epi32(1 << 13)), 14);
    const int down = 16 - fraction_bits;
    const Vec tail =
        _mm256_sra_epi32(_mm256_add_epi32(tail16, _mm256_set1_epi32(1 << (down - 1))), _mm_cvtsi32_si128(down));
    const Vec g = _mm256_sub_epi32(_mm256_max_epi32(x, _mm256_setzero_si256()), tail);
    const Vec product = _mm256_mullo_epi32(g, multiplier);
    return _mm256_add_epi32(_mm256_srai_epi32(_mm256_add_epi32(product, _mm256_set1_epi32(1 << 14)), 15), zero_point);
  }

private:
  static Vec widen(const std::int32_t *from) { return load(from); }
  static Vec widen(const std::int16_t *from) {
    return _mm256_cvtepi16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i *>(from)));
  }
  static Vec widen(const std::int8_t *from) {
    return _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i *>(from)));
  }
  // Clamped to 16 bits.
  static __m128i to_words(Vec value) {
    return _mm_packs_epi32(_mm256_castsi256_si128(value), _mm256_extracti128_si256(value, 1));
  }
};

} // namespace intvit::kernels::avx256
