// AVX-512 with VNNI: 16 lanes of 32 bits, dot products of 4 unsigned by 4 signed bytes.
//
// Included only by translation units that are compiled for it.
#pragma once

#include <cstdint>
#include <cstring>
#include <immintrin.h>

#include "kernels/gelu.hpp"

namespace intvit::kernels::avx512vnni {

// gelu_tail with a chord's start in the lower half of an entry and its slope in the upper.
struct alignas(64) TailTable {
  std::int32_t entries[64];

  constexpr TailTable() : entries{} {
    for (std::size_t i = 0; i < 64; ++i) {
      const int slope = gelu_tail[i + 1] - gelu_tail[i];
      entries[i] =
          static_cast<std::int32_t>(static_cast<std::uint32_t>(slope) << 16 | static_cast<std::uint16_t>(gelu_tail[i]));
    }
  }
};
inline constexpr TailTable tail_table;

struct Vector {
  using Vec = __m512i;
  using Element = std::uint8_t; // inputs; weights are the same bits, read as signed

  static constexpr int lanes = 16;
  static constexpr int group = 4;
  static constexpr int bias = 128;
  // 6 x 64: 24 accumulators, 4 weights and 1 input fill 29 of 32 registers, and 24 products hide the dot's latency.
  static constexpr int tile_rows = 6;
  static constexpr int tile_vectors = 4;

  static __mmask16 mask(int count) { return static_cast<__mmask16>((1U << count) - 1); }

  static Vec load(const std::int32_t *from) { return _mm512_loadu_si512(from); }
  static Vec load64(const std::int64_t *from) { return _mm512_loadu_si512(from); }
  static Vec load(const std::uint8_t *from, int count) {
    return _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(mask(count), from));
  }
  static Vec load_elements(const Element *from) { return _mm512_load_si512(from); }
  // The first `count` elements, widened; nothing behind them is read.
  static Vec load(const std::int32_t *from, int count) { return _mm512_maskz_loadu_epi32(mask(count), from); }
  static Vec load(const std::int16_t *from, int count) {
    return _mm512_cvtepi16_epi32(_mm256_maskz_loadu_epi16(mask(count), from));
  }
  static Vec load(const std::int8_t *from, int count) {
    return _mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(mask(count), from));
  }
  static void store(std::int32_t *to, Vec value, int count) { _mm512_mask_storeu_epi32(to, mask(count), value); }
  static void store_clamped(std::int8_t *to, Vec value, int count) {
    _mm512_mask_cvtsepi32_storeu_epi8(to, mask(count), value);
  }
  // 16-bit codes are symmetric: -32768 does not occur.
  static void store_clamped(std::int16_t *to, Vec value, int count) {
    _mm512_mask_cvtsepi32_storeu_epi16(to, mask(count), _mm512_max_epi32(value, _mm512_set1_epi32(-32767)));
  }

  static Vec broadcast(const Element *from) {
    std::int32_t four = 0;
    std::memcpy(&four, from, sizeof four);
    return _mm512_set1_epi32(four);
  }
  static Vec dot(Vec sum, Vec input, Vec weights) { return _mm512_dpbusd_epi32(sum, input, weights); }
  static Vec shift_left(Vec value, int count) { return _mm512_sll_epi32(value, _mm_cvtsi32_si128(count)); }

  static Vec set(std::int32_t value) { return _mm512_set1_epi32(value); }
  static Vec add(Vec a, Vec b) { return _mm512_add_epi32(a, b); }
  static Vec subtract(Vec a, Vec b) { return _mm512_sub_epi32(a, b); }
  static Vec multiply(Vec a, Vec b) { return _mm512_mullo_epi32(a, b); }
  static Vec minimum(Vec a, Vec b) { return _mm512_min_epi32(a, b); }
  static Vec maximum(Vec a, Vec b) { return _mm512_max_epi32(a, b); }
  static Vec shift_left_lanes(Vec value, Vec counts) { return _mm512_sllv_epi32(value, counts); }
  static Vec shift_right_unsigned(Vec value, int count) { return _mm512_srl_epi32(value, _mm_cvtsi32_si128(count)); }
  static std::int32_t largest(Vec value) { return _mm512_reduce_max_epi32(value); }
  static std::int32_t sum(Vec value) { return _mm512_reduce_add_epi32(value); }
  // The first `count` lanes, the others 0.
  static Vec keep(Vec value, int count) { return _mm512_maskz_mov_epi32(mask(count), value); }
  static Vec keep_low_byte(Vec value) { return _mm512_and_si512(value, _mm512_set1_epi32(255)); }
  static Vec look_up(const std::uint32_t *table, Vec index) { return _mm512_i32gather_epi32(index, table, 4); }
  // The low byte of every lane, as elements.
  static void store_elements(Element *to, Vec value) {
    _mm_store_si128(reinterpret_cast<__m128i *>(to), _mm512_cvtepi32_epi8(value));
  }

  // Sums of 64 bits.
  static Vec add64(Vec a, Vec b) { return _mm512_add_epi64(a, b); }
  static Vec squares(Vec value) { // of even lanes plus of odd lanes
    const Vec odd = _mm512_srli_epi64(value, 32);
    return _mm512_add_epi64(_mm512_mul_epi32(value, value), _mm512_mul_epi32(odd, odd));
  }
  static std::int64_t sum64(Vec value) { return _mm512_reduce_add_epi64(value); }
  // The first `count` of 16 offsets: those of even lanes, those of odd lanes.
  static void load_offsets(const std::int64_t *from, int count, Vec &even, Vec &odd) {
    const auto low = static_cast<__mmask8>(count >= 8 ? 0xFF : (1 << count) - 1);
    const auto high = static_cast<__mmask8>(count >= 8 ? (1 << (count - 8)) - 1 : 0);
    const Vec first = _mm512_maskz_loadu_epi64(low, from);
    const Vec second = _mm512_maskz_loadu_epi64(high, from + 8);
    even = _mm512_permutex2var_epi64(first, _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14), second);
    odd = _mm512_permutex2var_epi64(first, _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15), second);
  }
  // kernels/reciprocal.hpp, quotient(), of every lane.
  static Vec quotient(Vec n, std::int32_t factor, int shift) {
    const Vec by = _mm512_set1_epi64(factor);
    const Vec half = _mm512_set1_epi64(std::int64_t{1} << (shift - 1));
    const __m128i count = _mm_cvtsi32_si128(shift);
    const Vec even = _mm512_sra_epi64(_mm512_add_epi64(_mm512_mul_epi32(n, by), half), count);
    const Vec odd = _mm512_sra_epi64(_mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(n, 32), by), half), count);
    return _mm512_mask_blend_epi32(0xAAAA, even, _mm512_slli_epi64(odd, 32));
  }

  // The upper halves of 64-bit sums of even and odd lanes, shifted right by the rest of `shift`.
  static Vec narrow(Vec even, Vec odd, int shift) {
    const Vec high = _mm512_mask_blend_epi32(0xAAAA, _mm512_srli_epi64(even, 32), odd);
    return _mm512_sra_epi32(high, _mm_cvtsi32_si128(shift - 32));
  }
  static Vec requantize(Vec sum, Vec multiplier, Vec even_offset, Vec odd_offset, int shift) {
    const Vec even = _mm512_add_epi64(_mm512_mul_epi32(sum, multiplier), even_offset);
    const Vec odd =
        _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(sum, 32), _mm512_srli_epi64(multiplier, 32)), odd_offset);
    return narrow(even, odd, shift);
  }
  static Vec add_requantize(Vec sum, Vec multiplier, Vec code, Vec code_multiplier, Vec even_offset, Vec odd_offset,
                            int shift) {
    const Vec even = _mm512_add_epi64(_mm512_add_epi64(_mm512_mul_epi32(sum, multiplier), even_offset),
                                      _mm512_mul_epi32(code, code_multiplier));
    const Vec odd = _mm512_add_epi64(
        _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(sum, 32), _mm512_srli_epi64(multiplier, 32)), odd_offset),
        _mm512_mul_epi32(_mm512_srli_epi64(code, 32), _mm512_srli_epi64(code_multiplier, 32)));
    return narrow(even, odd, shift);
  }

  // kernels/gelu.hpp, gelu() and gelu_code(), before the last clamp. x is clamped to 16 bits here.
  static Vec gelu_code(Vec x, int fraction_bits, Vec multiplier, Vec zero_point) {
    x = _mm512_max_epi32(_mm512_min_epi32(x, _mm512_set1_epi32(32767)), _mm512_set1_epi32(-32767));
    const int chord_bits = fraction_bits - 4;
    const Vec u = _mm512_min_epi32(_mm512_abs_epi32(x), _mm512_set1_epi32((1 << (fraction_bits + 2)) - 1));
    const Vec chord = _mm512_srl_epi32(u, _mm_cvtsi32_si128(chord_bits));
    // A table entry holds the chord's start in its lower half and its slope in the upper; a pair of 16-bit products
    // with 2^14 and half the position then is start * 2^14 + slope * position / 2, exactly: positions are even.
    const Vec entry = lookup(chord);
    const Vec place = _mm512_and_si512(u, _mm512_set1_epi32((1 << chord_bits) - 1));
    const Vec pair =
        _mm512_or_si512(_mm512_sll_epi32(place, _mm_cvtsi32_si128(16 + 14 - chord_bits)), _mm512_set1_epi32(1 << 14));
    const Vec tail16 =
        _mm512_srai_epi32(_mm512_add_epi32(_mm512_madd_epi16(entry, pair), _mm512_set1_epi32(1 << 13)), 14);
    const int down = 16 - fraction_bits;
    const Vec tail =
        _mm512_sra_epi32(_mm512_add_epi32(tail16, _mm512_set1_epi32(1 << (down - 1))), _mm_cvtsi32_si128(down));
    const Vec g = _mm512_sub_epi32(_mm512_max_epi32(x, _mm512_setzero_si512()), tail);
    const Vec product = _mm512_mullo_epi32(g, multiplier);
    return _mm512_add_epi32(_mm512_srai_epi32(_mm512_add_epi32(product, _mm512_set1_epi32(1 << 14)), 15), zero_point);
  }

private:
  static Vec lookup(Vec index) {
    const Vec low = _mm512_permutex2var_epi32(_mm512_load_si512(tail_table.entries), index,
                                              _mm512_load_si512(tail_table.entries + 16));
    const Vec high = _mm512_permutex2var_epi32(_mm512_load_si512(tail_table.entries + 32), index,
                                               _mm512_load_si512(tail_table.entries + 48));
    return _mm512_mask_blend_epi32(_mm512_test_epi32_mask(index, _mm512_set1_epi32(32)), low, high);
  }
};

} // namespace intvit::kernels::avx512vnni
