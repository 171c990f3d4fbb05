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

  static Vec set(std::int32_t value) { return _mm256_set1_epi32(value); }
  static Vec add(Vec a, Vec b) { return _mm256_add_epi32(a, b); }
  static Vec subtract(Vec a, Vec b) { return _mm256_sub_epi32(a, b); }
  static Vec multiply(Vec a, Vec b) { return _mm256_mullo_epi32(a, b); }
  static Vec minimum(Vec a, Vec b) { return _mm256_min_epi32(a, b); }
  static Vec maximum(Vec a, Vec b) { return _mm256_max_epi32(a, b); }
  static Vec shift_left_lanes(Vec value, Vec counts) { return _mm256_sllv_epi32(value, counts); }
  static Vec shift_right_unsigned(Vec value, int count) { return _mm256_srl_epi32(value, _mm_cvtsi32_si128(count)); }
  static std::int32_t largest(Vec value) {
    __m128i m = _mm_max_epi32(_mm256_castsi256_si128(value), _mm256_extracti128_si256(value, 1));
    m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0x4E));
    m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0xB1));
    return _mm_cvtsi128_si32(m);
  }
  static std::int32_t sum(Vec value) {
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(value), _mm256_extracti128_si256(value, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4E));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xB1));
    return _mm_cvtsi128_si32(s);
  }
  // The first `count` lanes, the others 0.
  static Vec keep(Vec value, int count) {
    return _mm256_and_si256(value,
                            _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)));
  }
  static Vec keep_low_byte(Vec value) { return _mm256_and_si256(value, _mm256_set1_epi32(255)); }
  static Vec look_up(const std::uint32_t *table, Vec index) {
    return _mm256_i32gather_epi32(reinterpret_cast<const std::int32_t *>(table), index, 4);
  }

  // Sums of 64 bits.
  static Vec add64(Vec a, Vec b) { return _mm256_add_epi64(a, b); }
  static Vec squares(Vec value) { // of even lanes plus of odd lanes
    const Vec odd = _mm256_srli_epi64(value, 32);
    return _mm256_add_epi64(_mm256_mul_epi32(value, value), _mm256_mul_epi32(odd, odd));
  }
  static std::int64_t sum64(Vec value) {
    const __m128i s = _mm_add_epi64(_mm256_castsi256_si128(value), _mm256_extracti128_si256(value, 1));
    return _mm_cvtsi128_si64(s) + _mm_extract_epi64(s, 1);
  }
  // The first `count` of 8 offsets: those of even lanes, those of odd lanes.
  static void load_offsets(const std::int64_t *from, int count, Vec &even, Vec &odd) {
    alignas(32) std::int64_t whole[lanes] = {};
    std::memcpy(whole, from, static_cast<std::size_t>(count) * sizeof(std::int64_t));
    const Vec first = load64(whole);
    const Vec second = load64(whole + 4);
    even = _mm256_permute4x64_epi64(_mm256_unpacklo_epi64(first, second), 0xD8);
    odd = _mm256_permute4x64_epi64(_mm256_unpackhi_epi64(first, second), 0xD8);
  }
  // kernels/reciprocal.hpp, quotient(), of every lane. AVX2 has no arithmetic shift of 64 bits: the sums, which are
  // within
  // +-2^61, are made positive by 2^62, a multiple of 2^shift, which is taken off again afterwards.
  static Vec quotient(Vec n, std::int32_t factor, int shift) {
    const Vec by = _mm256_set1_epi64x(factor);
    const Vec raise = _mm256_set1_epi64x((std::int64_t{1} << (shift - 1)) + (std::int64_t{1} << 62));
    const Vec lower = _mm256_set1_epi64x(std::int64_t{1} << (62 - shift));
    const __m128i count = _mm_cvtsi32_si128(shift);
    const Vec even = _mm256_sub_epi64(_mm256_srl_epi64(_mm256_add_epi64(_mm256_mul_epi32(n, by), raise), count), lower);
    const Vec odd = _mm256_sub_epi64(
        _mm256_srl_epi64(_mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(n, 32), by), raise), count), lower);
    return _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xAA);
  }

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
  static Vec widen(const std::uint8_t *from) {
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i *>(from)));
  }

protected:
  // Clamped to 16 bits.
  static __m128i to_words(Vec value) {
    return _mm_packs_epi32(_mm256_castsi256_si128(value), _mm256_extracti128_si256(value, 1));
  }
};

} // namespace intvit::kernels::avx256
