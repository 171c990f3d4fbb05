// 512-bit vectors: 16 lanes of 32 bits, for AVX-512 alone and with VNNI, which differ in their dot product. Here is all
// the rest. Each operation does what kernels/vector/operations.hpp asks of it; comments say how, where that is not one
// instruction.
//
// Like AVX2's, narrowing instructions work within quarters of 128 bits and interleave blocks of four lanes, which
// Panel::column() allows for. Parts of vectors are loaded and stored under masks, which read and write nothing else.
//
// Included only by translation units that are compiled for one of the two; `Set` keeps their code apart.
#pragma once

#include <cstdint>
#include <cstring>
#include <immintrin.h>

#include "kernels/gelu.hpp"
#include "kernels/vector/xsimd_lanes.hpp"

namespace intvit::kernels::avx512 {

// The chords of a GELU's tail: where they begin and their slopes.
struct alignas(64) TailTable {
  std::int16_t starts[64];
  std::int16_t slopes[64];

  constexpr explicit TailTable(const GeluTail &tail) : starts{}, slopes{} {
    for (std::size_t i = 0; i < 64; ++i) {
      starts[i] = tail[i];
      slopes[i] = static_cast<std::int16_t>(tail[i + 1] - tail[i]);
    }
  }
};

// `Set`: a type of the translation unit's own.
template <class Set> struct Operations : vector::XsimdLanes<vector::LocalArch<xsimd::avx512bw, Set>> {
  using Base = vector::XsimdLanes<vector::LocalArch<xsimd::avx512bw, Set>>;
  using Base::lanes;
  using Base::load;
  using Vec = __m512i;
  using Vec16 = __m512i;
  using Bytes = __m512i;

  // Multiplications to 64 bits take the even lanes, then the odd ones.
  static constexpr int offset_place(int lane) { return lane % 2 * (lanes / 2) + lane / 2; }
  // A tile of 6 x 64: 24 accumulators, 4 vectors of weights and 1 of inputs take 29 of 32 registers. 24 independent
  // sums more than hide the latency of the dot product, 4 or 5 cycles at two a cycle.
  static constexpr int tile_rows = 6;
  static constexpr int tile_vectors = 4;

  static __mmask16 mask(int count) { return static_cast<__mmask16>((1U << count) - 1); }
  static __m128i shift_count(int count) { return _mm_cvtsi32_si128(count); }

  static Vec load64(const std::int64_t *from) { return _mm512_loadu_si512(from); }

  // The first `count` elements, widened, the other lanes 0; nothing behind them is read or written.
  static Vec load(const std::int32_t *from, int count) { return _mm512_maskz_loadu_epi32(mask(count), from); }
  static Vec load(const std::int16_t *from, int count) {
    return _mm512_cvtepi16_epi32(_mm256_maskz_loadu_epi16(mask(count), from));
  }
  static Vec load(const std::int8_t *from, int count) {
    return _mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(mask(count), from));
  }
  static Vec load(const std::uint8_t *from, int count) {
    return _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(mask(count), from));
  }
  // The first `count` lanes, clamped to the codes of `to`; 16-bit ones are symmetric.
  static void store_output(std::int8_t *to, Vec value, int count) {
    _mm_mask_storeu_epi8(to, mask(count), _mm512_cvtsepi32_epi8(value));
  }
  static void store_output(std::int16_t *to, Vec value, int count) {
    _mm256_mask_storeu_epi16(to, mask(count),
                             _mm256_max_epi16(_mm512_cvtsepi32_epi16(value), _mm256_set1_epi16(-32767)));
  }
  static void store_output(std::int32_t *to, Vec value, int count) { _mm512_mask_storeu_epi32(to, mask(count), value); }

  static Vec shift_left_lanes(Vec value, Vec counts) { return _mm512_sllv_epi32(value, counts); }
  static std::int32_t largest(Vec value) { return _mm512_reduce_max_epi32(value); }
  static std::int32_t sum(Vec value) { return _mm512_reduce_add_epi32(value); }
  static Vec keep(Vec value, int count) { return _mm512_maskz_mov_epi32(mask(count), value); }
  static Vec keep_where_less(Vec value, Vec a, Vec b) { // 0 where a >= b
    return _mm512_maskz_mov_epi32(_mm512_cmplt_epi32_mask(a, b), value);
  }
  static Vec low_byte(Vec value) { return _mm512_and_si512(value, _mm512_set1_epi32(255)); }
  // Odd lanes moved to the even ones before them.
  static Vec odd_lanes(Vec value) { return _mm512_srli_epi64(value, 32); }
  static Vec look_up(const std::uint32_t *table, Vec index) { return _mm512_i32gather_epi32(index, table, 4); }
  // table[i % 16] >> (i / 16), unsigned.
  static Vec exp_by_octaves(const std::uint32_t *table, Vec index) {
    return _mm512_srlv_epi32(_mm512_permutexvar_epi32(index, _mm512_loadu_si512(table)), _mm512_srli_epi32(index, 4));
  }

  // How many of 16 integers below 2^31 are at least `least`.
  static int count_at_least(const std::uint32_t *integers, std::int32_t least) {
    return _mm_popcnt_u32(_mm512_cmpge_epi32_mask(_mm512_loadu_si512(integers), _mm512_set1_epi32(least)));
  }

  // 4 rows of 64 bytes to a panel's [columns][4].
  static void interleave4(const std::int8_t *from, std::ptrdiff_t stride, std::uint8_t *to) {
    const __m512i row0 = _mm512_loadu_si512(from);
    const __m512i row1 = _mm512_loadu_si512(from + stride);
    const __m512i row2 = _mm512_loadu_si512(from + 2 * stride);
    const __m512i row3 = _mm512_loadu_si512(from + 3 * stride);
    const __m512i low01 = _mm512_unpacklo_epi8(row0, row1);
    const __m512i low23 = _mm512_unpacklo_epi8(row2, row3);
    const __m512i high01 = _mm512_unpackhi_epi8(row0, row1);
    const __m512i high23 = _mm512_unpackhi_epi8(row2, row3);
    _mm512_store_si512(to, _mm512_unpacklo_epi16(low01, low23));
    _mm512_store_si512(to + 64, _mm512_unpackhi_epi16(low01, low23));
    _mm512_store_si512(to + 128, _mm512_unpacklo_epi16(high01, high23));
    _mm512_store_si512(to + 192, _mm512_unpackhi_epi16(high01, high23));
  }

  // Rows of a panel.
  static void load_row(const std::int16_t *from, int shift, Vec (&row)[4]) { // codes << shift, shift <= 15
    const __m512i first = _mm512_loadu_si512(from);
    const __m512i second = _mm512_loadu_si512(from + 32);
    unpack_row(_mm512_permutex2var_epi64(first, _mm512_setr_epi64(0, 1, 4, 5, 8, 9, 12, 13), second),
               _mm512_permutex2var_epi64(first, _mm512_setr_epi64(2, 3, 6, 7, 10, 11, 14, 15), second), 16 - shift,
               row);
  }
  static void load_row(const std::int8_t *from, int shift, Vec (&row)[4]) { // shift <= 23
    const __m512i codes = _mm512_loadu_si512(from);
    unpack_row(_mm512_unpacklo_epi8(_mm512_setzero_si512(), codes), _mm512_unpackhi_epi8(_mm512_setzero_si512(), codes),
               24 - shift, row);
  }
  static void store_row(std::int8_t *to, const Vec (&row)[4]) {
    _mm512_storeu_si512(to, _mm512_packs_epi16(_mm512_packs_epi32(row[0], row[1]), _mm512_packs_epi32(row[2], row[3])));
  }
  // 16-bit codes are symmetric: -32768 does not occur.
  static void store_row(std::int16_t *to, const Vec (&row)[4]) {
    const __m512i low = clamp16(row[0], row[1]);
    const __m512i high = clamp16(row[2], row[3]);
    _mm512_storeu_si512(to, _mm512_permutex2var_epi64(low, _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11), high));
    _mm512_storeu_si512(to + 32, _mm512_permutex2var_epi64(low, _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15), high));
  }
  // kernels/gelu.hpp: gelu_code(gelu(clamp_to_int16(row))).
  static void store_gelu(std::int8_t *to, const Vec (&row)[4], GeluFunction function, int fraction_bits,
                         const std::int16_t *multiplier, const std::int16_t *zero_point) {
    const __m512i low = gelu16(clamp16(row[0], row[1]), function, fraction_bits, multiplier, zero_point);
    const __m512i high = gelu16(clamp16(row[2], row[3]), function, fraction_bits, multiplier + 32, zero_point + 32);
    _mm512_storeu_si512(to, _mm512_packs_epi16(low, high));
  }

  // Lanes of 16 bits.
  static Vec16 load16(const std::int16_t *from) { return _mm512_loadu_si512(from); }
  static Vec16 load16(const std::int8_t *from) {
    return _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i *>(from)));
  }
  static Vec16 subtract16(Vec16 a, Vec16 b) { return _mm512_sub_epi16(a, b); }
  static Vec16 shift_left16(Vec16 value, const std::uint8_t *counts) { // to the left
    return _mm512_sllv_epi16(value,
                             _mm512_cvtepu8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i *>(counts))));
  }
  static Vec pair_sums(Vec16 value) { return _mm512_madd_epi16(value, _mm512_set1_epi16(1)); }
  // Sums of 64 bits of four squares each; a pair's fit 32 unsigned bits.
  static Vec square_sums64(Vec16 value) {
    const Vec pairs = _mm512_madd_epi16(value, value);
    return _mm512_add_epi64(_mm512_srli_epi64(pairs, 32), _mm512_and_si512(pairs, _mm512_set1_epi64(0xFFFFFFFF)));
  }

  // Bytes.
  // Four vectors of integers from 0 to 2^31 - 1, clamped to 255, one after the other.
  static Bytes narrow_to_bytes(Vec a, Vec b, Vec c, Vec d) {
    return _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15),
                                    _mm512_packus_epi16(_mm512_packs_epi32(a, b), _mm512_packs_epi32(c, d)));
  }
  static Bytes set_bytes(std::uint8_t value) { return _mm512_set1_epi8(static_cast<char>(value)); }
  static Bytes load_bytes(const std::uint8_t *from) { return _mm512_load_si512(from); }
  static void store_bytes(std::uint8_t *to, Bytes value) { _mm512_storeu_si512(to, value); }
  static Bytes keep_bytes(Bytes value, int count) {
    return _mm512_maskz_mov_epi8((std::uint64_t{1} << count) - 1, value);
  }
  // Adds the bytes up in some lanes.
  static Vec accumulate_bytes(Vec sum, Bytes value) {
    return _mm512_add_epi32(sum, _mm512_sad_epu8(value, _mm512_setzero_si512()));
  }
  // count + 1 where value > limit.
  static Bytes count_above(Bytes count, Bytes value, std::uint8_t limit) {
    return _mm512_mask_add_epi8(count, _mm512_cmpgt_epu8_mask(value, set_bytes(limit)), count, set_bytes(1));
  }
  // table[index], 0 where index is 16.
  static Bytes look_up_16(const std::uint8_t *table, Bytes index) {
    const __m512i all = _mm512_broadcast_i32x4(_mm_load_si128(reinterpret_cast<const __m128i *>(table)));
    return _mm512_shuffle_epi8(all, _mm512_add_epi8(index, set_bytes(0x70))); // 16 becomes 0x80, which gives 0
  }
  // Words (kernels/four_bits.hpp), two a byte, their values, and the sum of two values.
  static Bytes low_nibbles(Bytes words) { return _mm512_and_si512(words, set_bytes(15)); }
  static Bytes high_nibbles(Bytes words) { return low_nibbles(_mm512_srli_epi16(words, 4)); }
  static Bytes word_values(const std::uint8_t *values, Bytes words) {
    const auto *table = reinterpret_cast<const __m128i *>(values);
    return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(_mm_load_si128(table)), words);
  }
  // to[i] = from[index[i]] of 16 bytes, 0 where the index is 128.
  static void gather_bytes(const std::uint8_t *from, const std::uint8_t *index, std::uint8_t *to) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i *>(from));
    const __m128i order = _mm_load_si128(reinterpret_cast<const __m128i *>(index));
    _mm_storeu_si128(reinterpret_cast<__m128i *>(to), _mm_shuffle_epi8(bytes, order));
  }
  static Bytes zip_low(Bytes a, Bytes b) { return _mm512_unpacklo_epi8(a, b); }
  static Bytes zip_high(Bytes a, Bytes b) { return _mm512_unpackhi_epi8(a, b); }
  static Bytes add_word_values(Bytes a, Bytes b) {
    return _mm512_max_epi8(_mm512_adds_epi8(a, b), _mm512_set1_epi8(-127));
  }
  struct ByteTable {
    __m512i quarters[4];
  };
  static ByteTable byte_table(const std::uint8_t *table) {
    return {{_mm512_loadu_si512(table), _mm512_loadu_si512(table + 64), _mm512_loadu_si512(table + 128),
             _mm512_loadu_si512(table + 192)}};
  }
  static Bytes look_up(const ByteTable &table, Bytes index) {
    const __m512i even = look_up16(table, _mm512_and_si512(index, _mm512_set1_epi16(255)));
    const __m512i odd = look_up16(table, _mm512_srli_epi16(index, 8));
    return _mm512_mask_blend_epi8(0xAAAAAAAAAAAAAAAA, even, _mm512_slli_epi16(odd, 8));
  }

  // 2 rows of 64 bytes to a panel's [columns][2], widened.
  static void interleave2(const std::int8_t *from, std::ptrdiff_t stride, std::int16_t *to) {
    const __m512i row0 = _mm512_loadu_si512(from);
    const __m512i row1 = _mm512_loadu_si512(from + stride);
    const __m512i low = _mm512_unpacklo_epi8(row0, row1);
    const __m512i high = _mm512_unpackhi_epi8(row0, row1);
    const __m512i zero = _mm512_setzero_si512();
    _mm512_store_si512(to, odd_codes(_mm512_unpacklo_epi8(zero, low)));
    _mm512_store_si512(to + 32, odd_codes(_mm512_unpackhi_epi8(zero, low)));
    _mm512_store_si512(to + 64, odd_codes(_mm512_unpacklo_epi8(zero, high)));
    _mm512_store_si512(to + 96, odd_codes(_mm512_unpackhi_epi8(zero, high)));
  }

  // For element_forms.hpp and folded_product.hpp.
  static Vec load_vector(const void *from) { return _mm512_loadu_si512(from); }
  static void store_vector(void *to, Vec value) { _mm512_storeu_si512(to, value); }
  static Bytes flip_signs(Bytes value) { return _mm512_xor_si512(value, set_bytes(0x80)); }
  // The bytes widened to 16 bits with their sign.
  static void store_widened(std::int16_t *to, Bytes value) {
    _mm512_store_si512(to, _mm512_cvtepi8_epi16(_mm512_castsi512_si256(value)));
    _mm512_store_si512(to + 32, _mm512_cvtepi8_epi16(_mm512_extracti64x4_epi64(value, 1)));
  }
  // Lanes of 16 bits of their low and their high bytes.
  static void store_pairs(std::int16_t *to, Bytes low, Bytes high) {
    const __m512i first = _mm512_unpacklo_epi8(low, high); // of the first eight of every quarter
    const __m512i last = _mm512_unpackhi_epi8(low, high);
    _mm512_store_si512(to, _mm512_permutex2var_epi64(first, _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11), last));
    _mm512_store_si512(to + 32, _mm512_permutex2var_epi64(first, _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15), last));
  }
  static Vec broadcast4(const void *from) {
    std::int32_t four = 0;
    std::memcpy(&four, from, sizeof four);
    return _mm512_set1_epi32(four);
  }
  static Vec16 multiply_bytes(Bytes a, Bytes b) { return _mm512_maddubs_epi16(a, b); }
  static Vec multiply_pairs(Vec16 a, Vec16 b) { return _mm512_madd_epi16(a, b); }
  static Vec16 add16(Vec16 a, Vec16 b) { return _mm512_add_epi16(a, b); }
  static Vec16 set16(std::int16_t value) { return _mm512_set1_epi16(value); }
  static Vec16 even_codes(Bytes bytes) { return odd_codes(_mm512_slli_epi16(bytes, 8)); }
  static Vec16 odd_codes(Bytes bytes) { return _mm512_srai_epi16(bytes, 8); }
  static Vec16 even_bytes(Bytes bytes) { return _mm512_and_si512(bytes, _mm512_set1_epi16(255)); }
  static Vec16 odd_bytes(Bytes bytes) { return _mm512_srli_epi16(bytes, 8); }

  // Sums of 64 bits.
  static Vec add64(Vec a, Vec b) { return _mm512_add_epi64(a, b); }
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
    const Vec even = _mm512_sra_epi64(_mm512_add_epi64(_mm512_mul_epi32(n, by), half), shift_count(shift));
    const Vec odd = _mm512_sra_epi64(_mm512_add_epi64(_mm512_mul_epi32(odd_lanes(n), by), half), shift_count(shift));
    return _mm512_mask_shuffle_epi32(even, 0xAAAA, odd, static_cast<_MM_PERM_ENUM>(0xA0));
  }
  // kernels/requantize.hpp, requantize() of every lane.
  static Vec requantize(Vec sum, Vec multiplier, Vec odd_multiplier, Vec even_offset, Vec odd_offset, int shift) {
    return narrow(_mm512_add_epi64(_mm512_mul_epi32(sum, multiplier), even_offset),
                  _mm512_add_epi64(_mm512_mul_epi32(odd_lanes(sum), odd_multiplier), odd_offset), shift);
  }
  // kernels/residual.hpp, add_requantize(), of codes that have been shifted.
  static Vec add_requantize(Vec sum, Vec multiplier, Vec odd_multiplier, Vec code, Vec code_multiplier,
                            Vec odd_code_multiplier, Vec even_offset, Vec odd_offset, int shift) {
    const Vec even = _mm512_add_epi64(_mm512_add_epi64(_mm512_mul_epi32(sum, multiplier), even_offset),
                                      _mm512_mul_epi32(code, code_multiplier));
    const Vec odd = _mm512_add_epi64(_mm512_add_epi64(_mm512_mul_epi32(odd_lanes(sum), odd_multiplier), odd_offset),
                                     _mm512_mul_epi32(odd_lanes(code), odd_code_multiplier));
    return narrow(even, odd, shift);
  }

  static void subtract_128(const std::uint8_t *from, std::int8_t *to) { // 16 bytes
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i *>(from));
    _mm_storeu_si128(reinterpret_cast<__m128i *>(to), _mm_xor_si128(bytes, _mm_set1_epi8(-128)));
  }

  // Reads 16 bytes, of which 12 are 4 pixels; every fourth lane is 0.
  static Vec load_pixels(const std::uint8_t *from) {
    const __m512i bytes = _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i *>(from)));
    // Which byte goes to the lowest byte of each lane; where the highest bit is set, the byte is 0.
    const __m512i places = _mm512_setr_epi32(0, 1, 2, 128, 3, 4, 5, 128, 6, 7, 8, 128, 9, 10, 11, 128);
    return _mm512_shuffle_epi8(bytes,
                               _mm512_or_si512(places, _mm512_set1_epi32(static_cast<std::int32_t>(0x80808000))));
  }
  // The first `count` of 4 weights, the others 0, each in 4 lanes.
  static Vec spread_weights(const std::int32_t *from, int count) {
    return _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3),
                                    load(from, count));
  }
  // The sum of the pixels in the lowest 4 lanes.
  static Vec sum_pixels(Vec value) {
    const __m256i two = _mm256_add_epi32(_mm512_castsi512_si256(value), _mm512_extracti64x4_epi64(value, 1));
    return _mm512_castsi128_si512(_mm_add_epi32(_mm256_castsi256_si128(two), _mm256_extracti128_si256(two, 1)));
  }

private:
  // 64-bit sums of the even and the odd lanes, shifted right by `shift`, 32..62: their upper halves, put in order,
  // shifted by what is left of it.
  static Vec narrow(Vec even, Vec odd, int shift) {
    const Vec high = _mm512_mask_shuffle_epi32(odd, 0x5555, even, static_cast<_MM_PERM_ENUM>(0xF5));
    return _mm512_sra_epi32(high, shift_count(shift - 32));
  }
  // 16-bit codes, those of a pair of vectors in either argument, to the upper halves of lanes, shifted down to where
  // they belong, with their sign.
  static void unpack_row(__m512i first, __m512i second, int down, Vec (&row)[4]) {
    const __m512i zero = _mm512_setzero_si512();
    row[0] = _mm512_sra_epi32(_mm512_unpacklo_epi16(zero, first), shift_count(down));
    row[1] = _mm512_sra_epi32(_mm512_unpackhi_epi16(zero, first), shift_count(down));
    row[2] = _mm512_sra_epi32(_mm512_unpacklo_epi16(zero, second), shift_count(down));
    row[3] = _mm512_sra_epi32(_mm512_unpackhi_epi16(zero, second), shift_count(down));
  }
  // clamp_to_int16() of two vectors, interleaved in blocks of four.
  static __m512i clamp16(Vec a, Vec b) { return _mm512_max_epi16(_mm512_packs_epi32(a, b), _mm512_set1_epi16(-32767)); }
  // mulhrs(a, b) = (a * b + 2^14) >> 15 is the rounding of both products here.
  static __m512i gelu16(__m512i x, GeluFunction function, int fraction_bits, const std::int16_t *multiplier,
                        const std::int16_t *zero_point) {
    const auto last = static_cast<std::int16_t>((1 << (fraction_bits + 2)) - 1);
    const int chord_bits = fraction_bits - 4;
    const int down = 16 - fraction_bits;
    __m512i place = _mm512_abs_epi16(x);
    if (const int fold_shift = gelu_fold_shift(function); fold_shift != 0) { // not GELU itself
      const auto fold = static_cast<std::int16_t>(gelu_fold_start(function, fraction_bits));
      place = _mm512_min_epi16(
          place, _mm512_add_epi16(_mm512_srl_epi16(place, shift_count(fold_shift)), _mm512_set1_epi16(fold)));
    }
    const __m512i u = _mm512_min_epi16(place, _mm512_set1_epi16(last));
    const __m512i chord = _mm512_srl_epi16(u, shift_count(chord_bits));
    const TailTable &tails = gelu_tables<TailTable>[static_cast<std::size_t>(function)];
    const __m512i start =
        _mm512_permutex2var_epi16(_mm512_load_si512(tails.starts), chord, _mm512_load_si512(tails.starts + 32));
    const __m512i slope =
        _mm512_permutex2var_epi16(_mm512_load_si512(tails.slopes), chord, _mm512_load_si512(tails.slopes + 32));
    const auto below_chord = static_cast<std::int16_t>((1 << chord_bits) - 1);
    const __m512i position =
        _mm512_sll_epi16(_mm512_and_si512(u, _mm512_set1_epi16(below_chord)), shift_count(15 - chord_bits));
    const __m512i tail16 = _mm512_add_epi16(start, _mm512_mulhrs_epi16(slope, position));
    const auto half = static_cast<std::int16_t>(1 << (down - 1));
    const __m512i tail = _mm512_sra_epi16(_mm512_add_epi16(tail16, _mm512_set1_epi16(half)), shift_count(down));
    const __m512i g = _mm512_sub_epi16(_mm512_max_epi16(x, _mm512_setzero_si512()), tail);
    return _mm512_adds_epi16(_mm512_mulhrs_epi16(g, _mm512_load_si512(multiplier)), _mm512_load_si512(zero_point));
  }
  // table[index] of 16-bit indices below 256. Permutations look up 64 entries of 16 bits, that is, the pair of bytes
  // that index / 2 says, in either half of the table; index % 2 then says which byte of the pair.
  static __m512i look_up16(const ByteTable &table, __m512i index) {
    const __m512i pair = _mm512_srli_epi16(index, 1);
    const __m512i entries =
        _mm512_mask_blend_epi16(_mm512_test_epi16_mask(index, _mm512_set1_epi16(128)),
                                _mm512_permutex2var_epi16(table.quarters[0], pair, table.quarters[1]),
                                _mm512_permutex2var_epi16(table.quarters[2], pair, table.quarters[3]));
    const __m512i parity = _mm512_slli_epi16(_mm512_and_si512(index, _mm512_set1_epi16(1)), 3);
    return _mm512_and_si512(_mm512_srlv_epi16(entries, parity), _mm512_set1_epi16(255));
  }
};

} // namespace intvit::kernels::avx512
