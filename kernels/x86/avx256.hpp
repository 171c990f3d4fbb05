// 256-bit vectors: 8 lanes of 32 bits, for AVX2 alone and for AVX2 with AVX-VNNI, which differ in their dot product.
// Here is all the rest. Each operation does what kernels/vector/operations.hpp asks of it; comments say how, where that
// is not one instruction.
//
// Most of AVX2's instructions work within the two halves of 128 bits by themselves. Narrowing two vectors therefore
// interleaves blocks of four lanes, which Panel::column() allows for, and other results need a permutation of quarters.
//
// Included only by translation units that are compiled for one of the two; `Set` keeps their code apart. Longer than
// other files, because one class has all operations of its vectors.
#pragma once

#include <cstdint>
#include <cstring>
#include <immintrin.h>

#include "kernels/gelu.hpp"
#include "kernels/vector/xsimd_lanes.hpp"
#include "kernels/x86/tail_bytes.hpp"

namespace intvit::kernels::avx256 {

// `Set`: a type of the translation unit's own. A tile has as many `rows` as its accumulators leave registers for. Of 6
// x 16, 12 accumulators, 2 vectors of weights and 1 of inputs take 15 of 16 registers.
template <class Set, int rows = 6> struct Operations : vector::XsimdLanes<vector::LocalArch<xsimd::avx2, Set>> {
  using Base = vector::XsimdLanes<vector::LocalArch<xsimd::avx2, Set>>;
  using Base::lanes;
  using Base::load;
  using Vec = __m256i;
  using Vec16 = __m256i;
  using Bytes = __m256i;

  // Multiplications to 64 bits take the even lanes, then the odd ones.
  static constexpr int offset_place(int lane) { return lane % 2 * (lanes / 2) + lane / 2; }
  static constexpr int tile_rows = rows;
  static constexpr int tile_vectors = 2;

  static __m128i shift_count(int count) { return _mm_cvtsi32_si128(count); }
  static __m256i load256(const void *from) { return _mm256_loadu_si256(static_cast<const __m256i *>(from)); }
  static __m128i load128(const void *from) { return _mm_loadu_si128(static_cast<const __m128i *>(from)); }
  static void store256(void *to, __m256i value) { _mm256_storeu_si256(static_cast<__m256i *>(to), value); }
  static void store128(void *to, __m128i value) { _mm_storeu_si128(static_cast<__m128i *>(to), value); }

  static Vec load64(const std::int64_t *from) { return load256(from); }

  // The first `count` elements, widened, the other lanes 0; nothing behind them is read or written.
  template <typename T> static Vec load(const T *from, int count) {
    if (count == lanes)
      return widen(from);
    T whole[lanes] = {};
    std::memcpy(whole, from, static_cast<std::size_t>(count) * sizeof(T));
    return widen(whole);
  }
  // The first `count` lanes, clamped to the codes of `to`; 16-bit ones are symmetric.
  static void store_output(std::int8_t *to, Vec value, int count) {
    const __m128i codes16 = narrow16(value);
    const std::int64_t bytes = _mm_cvtsi128_si64(_mm_packs_epi16(codes16, codes16));
    std::memcpy(to, &bytes, static_cast<std::size_t>(count));
  }
  static void store_output(std::int16_t *to, Vec value, int count) {
    alignas(16) std::int16_t codes16[lanes];
    store128(codes16, _mm_max_epi16(narrow16(value), _mm_set1_epi16(-32767)));
    std::memcpy(to, codes16, static_cast<std::size_t>(count) * sizeof(std::int16_t));
  }
  static void store_output(std::int32_t *to, Vec value, int count) {
    alignas(32) std::int32_t whole[lanes];
    store256(whole, value);
    std::memcpy(to, whole, static_cast<std::size_t>(count) * sizeof(std::int32_t));
  }

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
  static Vec keep_where_less(Vec value, Vec a, Vec b) { // 0 where a >= b
    return _mm256_and_si256(value, _mm256_cmpgt_epi32(b, a));
  }
  static Vec low_byte(Vec value) { return _mm256_and_si256(value, _mm256_set1_epi32(255)); }
  // Odd lanes moved to the even ones before them.
  static Vec odd_lanes(Vec value) { return _mm256_srli_epi64(value, 32); }
  static Vec look_up(const std::uint32_t *table, Vec index) {
    return _mm256_i32gather_epi32(reinterpret_cast<const std::int32_t *>(table), index, 4);
  }
  // table[i % 16] >> (i / 16), unsigned.
  static Vec exp_by_octaves(const std::uint32_t *table, Vec index) {
    const Vec eight = _mm256_set1_epi32(8);
    const Vec in_second = _mm256_cmpeq_epi32(_mm256_and_si256(index, eight), eight);
    const Vec entry = _mm256_blendv_epi8(_mm256_permutevar8x32_epi32(load256(table), index),
                                         _mm256_permutevar8x32_epi32(load256(table + 8), index), in_second);
    return _mm256_srlv_epi32(entry, _mm256_srli_epi32(index, 4));
  }

  // How many of 16 integers below 2^31 are at least `least`, which is positive.
  static int count_at_least(const std::uint32_t *integers, std::int32_t least) {
    const Vec below = _mm256_set1_epi32(least - 1);
    const Vec found = _mm256_packs_epi32(_mm256_cmpgt_epi32(load256(integers), below),
                                         _mm256_cmpgt_epi32(load256(integers + 8), below));
    return _mm_popcnt_u32(static_cast<unsigned>(_mm256_movemask_epi8(found))) / 2;
  }

  // Rows of a panel.
  static void load_row(const std::int16_t *from, int shift, Vec (&row)[2]) { // codes << shift, shift <= 15
    unpack_row(load256(from), 16 - shift, row);
  }
  static void load_row(const std::int8_t *from, int shift, Vec (&row)[2]) { // shift <= 23
    unpack_row(_mm256_slli_epi16(_mm256_cvtepi8_epi16(load128(from)), 8), 24 - shift, row);
  }
  static void store_row(std::int8_t *to, const Vec (&row)[2]) {
    store16_as_int8(to, _mm256_packs_epi32(row[0], row[1]));
  }
  // 16-bit codes are symmetric: -32768 does not occur.
  static void store_row(std::int16_t *to, const Vec (&row)[2]) { store256(to, clamp16(row[0], row[1])); }
  // kernels/gelu.hpp: gelu_code(gelu(clamp_to_int16(row))).
  static void store_gelu(std::int8_t *to, const Vec (&row)[2], GeluFunction function, int fraction_bits,
                         const std::int16_t *multiplier, const std::int16_t *zero_point) {
    // mulhrs(a, b) = (a * b + 2^14) >> 15 is the rounding of both products here.
    const __m256i x = clamp16(row[0], row[1]);
    const auto last = static_cast<std::int16_t>((1 << (fraction_bits + 2)) - 1);
    const int chord_bits = fraction_bits - 4;
    const int down = 16 - fraction_bits;
    __m256i place = _mm256_abs_epi16(x);
    if (const int fold_shift = gelu_fold_shift(function); fold_shift != 0) { // not GELU itself
      const auto fold = static_cast<std::int16_t>(gelu_fold_start(function, fraction_bits));
      place = _mm256_min_epi16(
          place, _mm256_add_epi16(_mm256_srl_epi16(place, shift_count(fold_shift)), _mm256_set1_epi16(fold)));
    }
    const __m256i u = _mm256_min_epi16(place, _mm256_set1_epi16(last));
    __m256i start;
    __m256i slope;
    look_up_chords(gelu_tables<TailBytes>[static_cast<std::size_t>(function)],
                   _mm256_srl_epi16(u, shift_count(chord_bits)), start, slope);
    const auto below_chord = static_cast<std::int16_t>((1 << chord_bits) - 1);
    const __m256i position =
        _mm256_sll_epi16(_mm256_and_si256(u, _mm256_set1_epi16(below_chord)), shift_count(15 - chord_bits));
    const __m256i tail16 = _mm256_add_epi16(start, _mm256_mulhrs_epi16(slope, position));
    const auto half = static_cast<std::int16_t>(1 << (down - 1));
    const __m256i tail = _mm256_sra_epi16(_mm256_add_epi16(tail16, _mm256_set1_epi16(half)), shift_count(down));
    const __m256i g = _mm256_sub_epi16(_mm256_max_epi16(x, _mm256_setzero_si256()), tail);
    store16_as_int8(to, _mm256_adds_epi16(_mm256_mulhrs_epi16(g, load256(multiplier)), load256(zero_point)));
  }

  // Lanes of 16 bits.
  static Vec16 load16(const std::int16_t *from) { return load256(from); }
  static Vec16 load16(const std::int8_t *from) { return _mm256_cvtepi8_epi16(load128(from)); }
  static Vec16 subtract16(Vec16 a, Vec16 b) { return _mm256_sub_epi16(a, b); }
  static Vec16 shift_left16(Vec16 value, const std::uint8_t *counts) { // to the left by at most 7: times 2^count
    const __m128i powers =
        _mm_shuffle_epi8(_mm_setr_epi8(1, 2, 4, 8, 16, 32, 64, -128, 0, 0, 0, 0, 0, 0, 0, 0), load128(counts));
    return _mm256_mullo_epi16(value, _mm256_cvtepu8_epi16(powers));
  }
  static Vec pair_sums(Vec16 value) { return _mm256_madd_epi16(value, _mm256_set1_epi16(1)); }
  // Sums of 64 bits of four squares each; a pair's fit 32 unsigned bits.
  static Vec square_sums64(Vec16 value) {
    const Vec pairs = _mm256_madd_epi16(value, value);
    return _mm256_add_epi64(_mm256_srli_epi64(pairs, 32), _mm256_and_si256(pairs, _mm256_set1_epi64x(0xFFFFFFFF)));
  }

  // Bytes.
  // Four vectors of integers from 0 to 2^31 - 1, clamped to 255, one after the other.
  static Bytes narrow_to_bytes(Vec a, Vec b, Vec c, Vec d) {
    return _mm256_permutevar8x32_epi32(_mm256_packus_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d)),
                                       _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
  }
  static Bytes set_bytes(std::uint8_t value) { return _mm256_set1_epi8(static_cast<char>(value)); }
  static Bytes load_bytes(const std::uint8_t *from) { return load256(from); }
  static void store_bytes(std::uint8_t *to, Bytes value) { store256(to, value); }
  static Bytes keep_bytes(Bytes value, int count) {
    const __m256i places = _mm256_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20,
                                            21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31);
    return _mm256_and_si256(value, _mm256_cmpgt_epi8(_mm256_set1_epi8(static_cast<char>(count)), places));
  }
  // Adds the bytes up in some lanes.
  static Vec accumulate_bytes(Vec sum, Bytes value) {
    return _mm256_add_epi32(sum, _mm256_sad_epu8(value, _mm256_setzero_si256()));
  }
  // count + 1 where value > limit.
  static Bytes count_above(Bytes count, Bytes value, std::uint8_t limit) {
    const Bytes limits = set_bytes(limit);
    const Bytes not_above = _mm256_cmpeq_epi8(_mm256_max_epu8(value, limits), limits); // -1 where so
    return _mm256_add_epi8(count, _mm256_add_epi8(not_above, set_bytes(1)));
  }
  // table[index], 0 where index is 16.
  static Bytes look_up_16(const std::uint8_t *table, Bytes index) {
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(load128(table)),
                               _mm256_add_epi8(index, set_bytes(0x70))); // 16 becomes 0x80, which gives 0
  }
  // Words (kernels/four_bits.hpp), two a byte, their values, and the sum of two values.
  static Bytes low_nibbles(Bytes words) { return _mm256_and_si256(words, set_bytes(15)); }
  static Bytes high_nibbles(Bytes words) { return low_nibbles(_mm256_srli_epi16(words, 4)); }
  static Bytes word_values(const std::uint8_t *values, Bytes words) {
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(load128(values)), words);
  }
  // to[i] = from[index[i]] of 16 bytes, 0 where the index is 128.
  static void gather_bytes(const std::uint8_t *from, const std::uint8_t *index, std::uint8_t *to) {
    store128(to, _mm_shuffle_epi8(load128(from), load128(index)));
  }
  static Bytes zip_low(Bytes a, Bytes b) { return _mm256_unpacklo_epi8(a, b); }
  static Bytes zip_high(Bytes a, Bytes b) { return _mm256_unpackhi_epi8(a, b); }
  static Bytes add_word_values(Bytes a, Bytes b) {
    return _mm256_max_epi8(_mm256_adds_epi8(a, b), _mm256_set1_epi8(-127));
  }

  // 4 rows of 16 bytes to a panel's [columns][4].
  static void interleave4(const std::int8_t *from, std::ptrdiff_t stride, std::uint8_t *to) {
    const auto row = [&](int i) { // 8 bytes in the lower quarter of each half
      return _mm256_permute4x64_epi64(_mm256_castsi128_si256(load128(from + i * stride)), 0x50);
    };
    const __m256i rows01 = _mm256_unpacklo_epi8(row(0), row(1));
    const __m256i rows23 = _mm256_unpacklo_epi8(row(2), row(3));
    store256(to, _mm256_unpacklo_epi16(rows01, rows23));
    store256(to + 32, _mm256_unpackhi_epi16(rows01, rows23));
  }

  // 2 rows of 16 bytes to a panel's [columns][2], widened.
  static void interleave2(const std::int8_t *from, std::ptrdiff_t stride, std::int16_t *to) {
    const __m256i row0 = _mm256_cvtepi8_epi16(load128(from));
    const __m256i row1 = _mm256_cvtepi8_epi16(load128(from + stride));
    store256(to, _mm256_unpacklo_epi16(row0, row1));
    store256(to + 16, _mm256_unpackhi_epi16(row0, row1));
  }

  // For element_forms.hpp and folded_product.hpp.
  static Vec load_vector(const void *from) { return load256(from); }
  static void store_vector(void *to, Vec value) { store256(to, value); }
  static Bytes flip_signs(Bytes value) { return _mm256_xor_si256(value, set_bytes(0x80)); }
  // The bytes widened to 16 bits with their sign.
  static void store_widened(std::int16_t *to, Bytes value) {
    store256(to, _mm256_cvtepi8_epi16(_mm256_castsi256_si128(value)));
    store256(to + 16, _mm256_cvtepi8_epi16(_mm256_extracti128_si256(value, 1)));
  }
  // Lanes of 16 bits of their low and their high bytes.
  static void store_pairs(std::int16_t *to, Bytes low, Bytes high) {
    const __m256i first = _mm256_unpacklo_epi8(low, high); // of the first eight of either half
    const __m256i last = _mm256_unpackhi_epi8(low, high);
    store256(to, _mm256_permute2x128_si256(first, last, 0x20));
    store256(to + 16, _mm256_permute2x128_si256(first, last, 0x31));
  }
  static Vec broadcast4(const void *from) {
    std::int32_t four = 0;
    std::memcpy(&four, from, sizeof four);
    return _mm256_set1_epi32(four);
  }
  static Vec16 multiply_bytes(Bytes a, Bytes b) { return _mm256_maddubs_epi16(a, b); }
  static Vec multiply_pairs(Vec16 a, Vec16 b) { return _mm256_madd_epi16(a, b); }
  static Vec16 add16(Vec16 a, Vec16 b) { return _mm256_add_epi16(a, b); }
  static Vec16 set16(std::int16_t value) { return _mm256_set1_epi16(value); }
  static Vec16 even_codes(Bytes bytes) { return odd_codes(_mm256_slli_epi16(bytes, 8)); }
  static Vec16 odd_codes(Bytes bytes) { return _mm256_srai_epi16(bytes, 8); }
  static Vec16 even_bytes(Bytes bytes) { return _mm256_and_si256(bytes, _mm256_set1_epi16(255)); }
  static Vec16 odd_bytes(Bytes bytes) { return _mm256_srli_epi16(bytes, 8); }

  // Sums of 64 bits.
  static Vec add64(Vec a, Vec b) { return _mm256_add_epi64(a, b); }
  static std::int64_t sum64(Vec value) {
    const __m128i s = _mm_add_epi64(_mm256_castsi256_si128(value), _mm256_extracti128_si256(value, 1));
    return _mm_cvtsi128_si64(s) + _mm_extract_epi64(s, 1);
  }
  // The first `count` of 8 offsets: those of even lanes, those of odd lanes.
  static void load_offsets(const std::int64_t *from, int count, Vec &even, Vec &odd) {
    std::int64_t whole[lanes] = {};
    if (count < lanes) {
      std::memcpy(whole, from, static_cast<std::size_t>(count) * sizeof(std::int64_t));
      from = whole;
    }
    const Vec first = load64(from);
    const Vec second = load64(from + 4);
    even = _mm256_permute4x64_epi64(_mm256_unpacklo_epi64(first, second), 0xD8);
    odd = _mm256_permute4x64_epi64(_mm256_unpackhi_epi64(first, second), 0xD8);
  }
  // kernels/reciprocal.hpp, quotient(), of every lane. AVX2 cannot shift 64 bits arithmetically. So 2^62 is added to
  // the sums, which are within +-2^61 and become positive; being a multiple of 2^shift, it leaves the lower bits alone,
  // and what it adds to the results, 2^(62 - shift), is subtracted from them.
  static Vec quotient(Vec n, std::int32_t factor, int shift) {
    const Vec by = _mm256_set1_epi64x(factor);
    const Vec raise = _mm256_set1_epi64x((std::int64_t{1} << (shift - 1)) + (std::int64_t{1} << 62));
    const Vec lower = _mm256_set1_epi32(static_cast<std::int32_t>(std::uint32_t(std::uint64_t{1} << (62 - shift))));
    const Vec even = _mm256_srl_epi64(_mm256_add_epi64(_mm256_mul_epi32(n, by), raise), shift_count(shift));
    const Vec odd = _mm256_srl_epi64(_mm256_add_epi64(_mm256_mul_epi32(odd_lanes(n), by), raise), shift_count(shift));
    return _mm256_sub_epi32(_mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xAA), lower);
  }
  // kernels/requantize.hpp, requantize() of every lane.
  static Vec requantize(Vec sum, Vec multiplier, Vec odd_multiplier, Vec even_offset, Vec odd_offset, int shift) {
    return narrow(_mm256_add_epi64(_mm256_mul_epi32(sum, multiplier), even_offset),
                  _mm256_add_epi64(_mm256_mul_epi32(odd_lanes(sum), odd_multiplier), odd_offset), shift);
  }
  // kernels/residual.hpp, add_requantize(), of codes that have been shifted.
  static Vec add_requantize(Vec sum, Vec multiplier, Vec odd_multiplier, Vec code, Vec code_multiplier,
                            Vec odd_code_multiplier, Vec even_offset, Vec odd_offset, int shift) {
    const Vec even = _mm256_add_epi64(_mm256_add_epi64(_mm256_mul_epi32(sum, multiplier), even_offset),
                                      _mm256_mul_epi32(code, code_multiplier));
    const Vec odd = _mm256_add_epi64(_mm256_add_epi64(_mm256_mul_epi32(odd_lanes(sum), odd_multiplier), odd_offset),
                                     _mm256_mul_epi32(odd_lanes(code), odd_code_multiplier));
    return narrow(even, odd, shift);
  }

  static void subtract_128(const std::uint8_t *from, std::int8_t *to) { // 16 bytes
    store128(to, _mm_xor_si128(load128(from), _mm_set1_epi8(-128)));
  }

  // Reads 8 bytes, of which 6 are 2 pixels; every fourth lane is 0.
  static Vec load_pixels(const std::uint8_t *from) {
    std::int64_t bytes = 0;
    std::memcpy(&bytes, from, sizeof bytes);
    // Which byte goes to the lowest byte of each lane; where the highest bit is set, the byte is 0.
    const __m256i places = _mm256_setr_epi32(0, 1, 2, 128, 3, 4, 5, 128);
    return _mm256_shuffle_epi8(_mm256_set1_epi64x(bytes),
                               _mm256_or_si256(places, _mm256_set1_epi32(static_cast<std::int32_t>(0x80808000))));
  }
  // The first `count` of 2 weights, the others 0, each in 4 lanes.
  static Vec spread_weights(const std::int32_t *from, int count) {
    const __m128i weights =
        count == 2 ? _mm_loadl_epi64(reinterpret_cast<const __m128i *>(from)) : _mm_cvtsi32_si128(*from);
    return _mm256_permutevar8x32_epi32(_mm256_castsi128_si256(weights), _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1));
  }
  // The sum of the pixels in the lowest 4 lanes.
  static Vec sum_pixels(Vec value) {
    return _mm256_castsi128_si256(_mm_add_epi32(_mm256_castsi256_si128(value), _mm256_extracti128_si256(value, 1)));
  }

  struct ByteTable {
    const std::uint8_t *entries;
  };
  static ByteTable byte_table(const std::uint8_t *table) { return {table}; }
  static Bytes look_up(const ByteTable &table, Bytes index) {
    // vpshufb looks up 16 of the 256 entries at a time and gives 0 where an index byte has its highest bit set. `place`
    // is index - 16 i, modulo 256, plus 0x70 with saturation: its highest bit is clear only if index - 16 i is 0..15,
    // and its low four bits are then the entry.
    Bytes result = _mm256_setzero_si256();
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) {
      const Bytes entries = _mm256_broadcastsi128_si256(load128(table.entries + 16 * i));
      const Bytes place =
          _mm256_adds_epu8(_mm256_sub_epi8(index, set_bytes(static_cast<std::uint8_t>(16 * i))), set_bytes(0x70));
      result = _mm256_or_si256(result, _mm256_shuffle_epi8(entries, place));
    }
    return result;
  }

private:
  static Vec widen(const std::int32_t *from) {
    return load256(from);
  }
  static Vec widen(const std::int16_t *from) {
    return _mm256_cvtepi16_epi32(load128(from));
  }
  static Vec widen(const std::int8_t *from) {
    return _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i *>(from)));
  }
  static Vec widen(const std::uint8_t *from) {
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i *>(from)));
  }
  // Clamped to 16 bits.
  static __m128i narrow16(Vec value) {
    return _mm_packs_epi32(_mm256_castsi256_si128(value), _mm256_extracti128_si256(value, 1));
  }
  // 64-bit sums of the even and the odd lanes, shifted right by `shift`, 32..62: their upper halves, put in order,
  // shifted by what is left of it.
  static Vec narrow(Vec even, Vec odd, int shift) {
    return _mm256_sra_epi32(_mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xAA), shift_count(shift - 32));
  }
  // 16-bit codes in the upper halves of lanes, shifted down to where they belong, with their sign.
  static void unpack_row(__m256i codes16, int down, Vec (&row)[2]) {
    const __m256i zero = _mm256_setzero_si256();
    row[0] = _mm256_sra_epi32(_mm256_unpacklo_epi16(zero, codes16), shift_count(down));
    row[1] = _mm256_sra_epi32(_mm256_unpackhi_epi16(zero, codes16), shift_count(down));
  }
  // clamp_to_int16() of two vectors, interleaved in blocks of four.
  static __m256i clamp16(Vec a, Vec b) {
    return _mm256_max_epi16(_mm256_packs_epi32(a, b), _mm256_set1_epi16(-32767));
  }
  static void store16_as_int8(std::int8_t *to, __m256i codes16) {
    store128(to, _mm_packs_epi16(_mm256_castsi256_si128(codes16), _mm256_extracti128_si256(codes16, 1)));
  }

  // A byte of a table of 64 by the low 6 bits of every index byte. vpshufb takes the low 4 bits in each quarter of the
  // table; bits 4 and 5, which the caller has moved to the highest bits of bytes, choose among the four results.
  static __m256i look_up_64(const std::uint8_t (&table)[4][32], __m256i index, __m256i bit4, __m256i bit5) {
    const auto quarter = [&](int i) { return _mm256_shuffle_epi8(load256(table[i]), index); };
    const __m256i first = _mm256_blendv_epi8(quarter(0), quarter(1), bit4);
    const __m256i second = _mm256_blendv_epi8(quarter(2), quarter(3), bit4);
    return _mm256_blendv_epi8(first, second, bit5);
  }
  // tail[i] and tail[i + 1] - tail[i] for 16-bit indices i below 64. An index is put into both bytes of
  // its lane: the low byte looks up the low half of the entry, the high byte the high half.
  static void look_up_chords(const TailBytes &tail, __m256i index, __m256i &start, __m256i &slope) {
    const __m256i both = _mm256_or_si256(index, _mm256_slli_epi16(index, 8));
    const __m256i place = _mm256_and_si256(both, _mm256_set1_epi8(15));
    const __m256i bit4 = _mm256_slli_epi16(both, 3); // moved to the bytes' highest bits, which alone count
    const __m256i bit5 = _mm256_slli_epi16(both, 2);
    const __m256i high = _mm256_set1_epi16(static_cast<std::int16_t>(0xFF00));
    start = _mm256_blendv_epi8(look_up_64(tail.start_low, place, bit4, bit5),
                               look_up_64(tail.start_high, place, bit4, bit5), high);
    slope = _mm256_blendv_epi8(look_up_64(tail.slope_low, place, bit4, bit5),
                               look_up_64(tail.slope_high, place, bit4, bit5), high);
  }
};

} // namespace intvit::kernels::avx256
