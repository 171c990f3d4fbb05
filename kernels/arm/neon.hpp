// NEON on 64-bit Arm: 4 lanes of 32 bits. Each operation does what kernels/vector/operations.hpp asks of it; comments
// say how, where that is not one instruction. Plain arithmetic on lanes is xsimd's.
//
// Elements are signed bytes, because the dot product of NEON takes two signed operands. Attention weights are unsigned
// and stored less 128. (Products of mixed signs came with a later extension, I8MM.)
//
// Included only by translation units that are compiled for NEON or one of its extensions; `Unit`, a local type of
// theirs, keeps their code apart. Longer than other files, because one class has all operations of its vectors.
#pragma once

#include <arm_neon.h>
#include <bit>
#include <cstdint>
#include <cstring>

#include "kernels/gelu.hpp"
#include "kernels/inline.hpp"
#include "kernels/vector/xsimd_lanes.hpp"

namespace intvit::kernels::neon {

static_assert(std::endian::native == std::endian::little, "bytes of lanes and lanes of bytes are read as each other");

// The chords of a GELU's tail as bytes: where each begins and its slope, in tables of 64, which tbl looks up at once.
struct alignas(64) TailBytes {
  std::uint8_t start_low[64];
  std::uint8_t start_high[64];
  std::uint8_t slope_low[64];
  std::uint8_t slope_high[64];

  constexpr explicit TailBytes(const GeluTail &tail) : start_low{}, start_high{}, slope_low{}, slope_high{} {
    for (std::size_t chord = 0; chord < 64; ++chord) {
      const int start = tail[chord];
      const int slope = tail[chord + 1] - tail[chord];
      start_low[chord] = static_cast<std::uint8_t>(start & 255);
      start_high[chord] = static_cast<std::uint8_t>(start >> 8 & 255);
      slope_low[chord] = static_cast<std::uint8_t>(slope & 255);
      slope_high[chord] = static_cast<std::uint8_t>(slope >> 8 & 255);
    }
  }
};

// xsimd::neon is 32-bit Arm's, which has all that is used here. xsimd 8.1's neon64 does not compile for an architecture
// that is derived from it.
template <class Unit> using Lanes = vector::XsimdLanes<vector::LocalArch<xsimd::neon, Unit>>;

template <class Unit> struct Operations : Lanes<Unit> {
  using Base = Lanes<Unit>;
  using typename Base::Vec;
  using Vec16 = int16x8_t;
  using Bytes = uint8x16_t;
  using Element = std::int8_t;

  using Base::lanes;
  static constexpr int code_bias = 0;
  static constexpr int attention_weight_bias = -128;
  static constexpr bool wide_attention_weights = false;
  static constexpr bool looks_up_weights = false;
  static constexpr bool reads_codes = true;
  // A tile of 6 x 16: 24 accumulators, 4 vectors of weights and 1 of inputs take 29 of 32 registers.
  static constexpr int tile_rows = 6;
  static constexpr int tile_vectors = 4;
  using Row = Vec[std::size_t{tile_vectors}];

  // Multiplications to 64 bits take the lower two lanes, then the upper two.
  static constexpr int offset_place(int lane) { return lane; }

  using Base::load; // of whole vectors
  INTVIT_INLINE static Vec load64(const std::int64_t *from) { return vreinterpretq_s32_s64(vld1q_s64(from)); }

  // The first `count` elements, widened, the other lanes 0; nothing behind them is read or written.
  template <typename T> INTVIT_INLINE static Vec load(const T *from, int count) {
    if (count == lanes)
      return widen(from);
    T whole[std::size_t{lanes}] = {};
    std::memcpy(whole, from, static_cast<std::size_t>(count) * sizeof(T));
    return widen(whole);
  }
  // The first `count` lanes, clamped to the codes of `to`; 16-bit ones are symmetric.
  INTVIT_INLINE static void store_output(std::int8_t *to, Vec value, int count) {
    const int16x4_t codes16 = vqmovn_s32(value);
    const int8x8_t bytes = vqmovn_s16(vcombine_s16(codes16, codes16));
    const std::uint32_t four = vget_lane_u32(vreinterpret_u32_s8(bytes), 0);
    std::memcpy(to, &four, static_cast<std::size_t>(count));
  }
  INTVIT_INLINE static void store_output(std::int16_t *to, Vec value, int count) {
    std::int16_t codes16[lanes];
    vst1_s16(codes16, vmax_s16(vqmovn_s32(value), vdup_n_s16(-32767)));
    std::memcpy(to, codes16, static_cast<std::size_t>(count) * sizeof(std::int16_t));
  }
  INTVIT_INLINE static void store_output(std::int32_t *to, Vec value, int count) {
    std::int32_t whole[lanes];
    vst1q_s32(whole, value);
    std::memcpy(to, whole, static_cast<std::size_t>(count) * sizeof(std::int32_t));
  }

  INTVIT_INLINE static Vec shift_left(Vec value, int count) { return vshlq_s32(value, vdupq_n_s32(count)); }
  INTVIT_INLINE static Vec shift_left_lanes(Vec value, Vec counts) { return vshlq_s32(value, counts); }
  INTVIT_INLINE static Vec shift_right_unsigned(Vec value, int count) {
    return vreinterpretq_s32_u32(vshlq_u32(vreinterpretq_u32_s32(value), vdupq_n_s32(-count)));
  }
  INTVIT_INLINE static std::int32_t largest(Vec value) { return vmaxvq_s32(value); }
  INTVIT_INLINE static std::int32_t sum(Vec value) { return vaddvq_s32(value); }
  INTVIT_INLINE static Vec keep_where_less(Vec value, Vec a, Vec b) { // 0 where a >= b
    return vandq_s32(value, vreinterpretq_s32_u32(vcltq_s32(a, b)));
  }
  INTVIT_INLINE static Vec low_byte(Vec value) { return vandq_s32(value, Base::set(255)); }
  // requantize() takes the lower and the upper lanes of one vector of multipliers and needs no other.
  INTVIT_INLINE static Vec odd_lanes(Vec value) { return value; }
  INTVIT_INLINE static Vec look_up(const std::uint32_t *table, Vec index) {
    uint32x4_t result = vdupq_n_u32(table[vgetq_lane_s32(index, 0)]);
    result = vsetq_lane_u32(table[vgetq_lane_s32(index, 1)], result, 1);
    result = vsetq_lane_u32(table[vgetq_lane_s32(index, 2)], result, 2);
    return vreinterpretq_s32_u32(vsetq_lane_u32(table[vgetq_lane_s32(index, 3)], result, 3));
  }
  // table[i % 16] >> (i / 16), unsigned.
  INTVIT_INLINE static Vec exp_by_octaves(const std::uint32_t *table, Vec index) {
    // The four bytes of entry i are bytes 4 i to 4 i + 3 of the table.
    const Vec first = vshlq_n_s32(vandq_s32(index, Base::set(15)), 2);
    const Vec bytes = vmlaq_s32(Base::set(0x03020100), first, Base::set(0x01010101));
    const Bytes entry =
        vqtbl4q_u8(vld1q_u8_x4(reinterpret_cast<const std::uint8_t *>(table)), vreinterpretq_u8_s32(bytes));
    return vreinterpretq_s32_u32(vshlq_u32(vreinterpretq_u32_u8(entry), vnegq_s32(vshrq_n_s32(index, 4))));
  }

  // How many of 16 integers below 2^31 are at least `least`.
  INTVIT_INLINE static int count_at_least(const std::uint32_t *integers, std::int32_t least) {
    const uint32x4_t limit = vdupq_n_u32(static_cast<std::uint32_t>(least));
    const auto found = [&](int i) { return vcgeq_u32(vld1q_u32(integers + 4 * i), limit); }; // -1 where so
    const uint32x4_t sum = vaddq_u32(vaddq_u32(found(0), found(1)), vaddq_u32(found(2), found(3)));
    return -vaddvq_s32(vreinterpretq_s32_u32(sum));
  }

  // Dot products.
  INTVIT_INLINE static Vec set_elements(int value) {
    return vreinterpretq_s32_s8(vdupq_n_s8(static_cast<std::int8_t>(value)));
  }
  static void codes_to_elements(const std::int8_t *from, int count, Element *to, int padded) {
    std::memcpy(to, from, static_cast<std::size_t>(count));
    std::memset(to + count, 0, static_cast<std::size_t>(padded - count));
  }
  INTVIT_INLINE static void store_attention_weights(Element *to, Bytes value) {
    vst1q_s8(to, vreinterpretq_s8_u8(veorq_u8(value, set_bytes(0x80))));
  }

  // Rows of a panel.
  INTVIT_INLINE static void load_row(const std::int16_t *from, int shift, Row &row) { // codes << shift, shift <= 15
    unpack16(vld1q_s16(from), shift, row[0], row[1]);
    unpack16(vld1q_s16(from + 8), shift, row[2], row[3]);
  }
  INTVIT_INLINE static void load_row(const std::int8_t *from, int shift, Row &row) { // shift <= 23
    const int8x16_t codes = vld1q_s8(from);
    unpack16(vmovl_s8(vget_low_s8(codes)), shift, row[0], row[1]);
    unpack16(vmovl_high_s8(codes), shift, row[2], row[3]);
  }
  INTVIT_INLINE static void store_row(std::int8_t *to, const Row &row) {
    store16_as_int8(to, narrow16(row[0], row[1]), narrow16(row[2], row[3]));
  }
  // 16-bit codes are symmetric: -32768 does not occur.
  INTVIT_INLINE static void store_row(std::int16_t *to, const Row &row) {
    vst1q_s16(to, clamp16(row[0], row[1]));
    vst1q_s16(to + 8, clamp16(row[2], row[3]));
  }
  // kernels/gelu.hpp: gelu_code(gelu(clamp_to_int16(row))).
  INTVIT_INLINE static void store_gelu(std::int8_t *to, const Row &row, GeluFunction function, int fraction_bits,
                                       const std::int16_t *multiplier, const std::int16_t *zero_point) {
    const TailBytes &tail = gelu_tables<TailBytes>[static_cast<std::size_t>(function)];
    const int16x8_t shift = vdupq_n_s16(static_cast<std::int16_t>(4 - fraction_bits)); // a chord is 2^shift wide
    const int16x8_t last = vdupq_n_s16(static_cast<std::int16_t>((1 << (fraction_bits + 2)) - 1));
    const int16x8_t x[2] = {clamp16(row[0], row[1]), clamp16(row[2], row[3])};
    int16x8_t u[2] = {vabsq_s16(x[0]), vabsq_s16(x[1])};
    if (const int fold_shift = gelu_fold_shift(function); fold_shift != 0) { // not GELU itself
      const int16x8_t down = vdupq_n_s16(static_cast<std::int16_t>(-fold_shift));
      const int16x8_t fold = vdupq_n_s16(static_cast<std::int16_t>(gelu_fold_start(function, fraction_bits)));
#pragma GCC unroll 2
      for (int i = 0; i < 2; ++i)
        u[i] = vminq_s16(u[i], vaddq_s16(vshlq_s16(u[i], down), fold));
    }
#pragma GCC unroll 2
    for (int i = 0; i < 2; ++i)
      u[i] = vminq_s16(u[i], last);
    const Bytes chord = vreinterpretq_u8_s8(vmovn_high_s16(vmovn_s16(vshlq_s16(u[0], shift)), vshlq_s16(u[1], shift)));
    const int8x16x2_t start = look_up_chords(tail.start_low, tail.start_high, chord);
    const int8x16x2_t slope = look_up_chords(tail.slope_low, tail.slope_high, chord);
    int16x8_t code[2];
#pragma GCC unroll 2
    for (int i = 0; i < 2; ++i)
      code[i] = gelu16(x[i], u[i], vreinterpretq_s16_s8(start.val[i]), vreinterpretq_s16_s8(slope.val[i]),
                       fraction_bits, vld1q_s16(multiplier + 8 * i), vld1q_s16(zero_point + 8 * i));
    store16_as_int8(to, code[0], code[1]);
  }

  // Lanes of 16 bits.
  INTVIT_INLINE static Vec16 load16(const std::int16_t *from) {
    return vld1q_s16(from);
  }
  INTVIT_INLINE static Vec16 load16(const std::int8_t *from) {
    return vmovl_s8(vld1_s8(from));
  }
  INTVIT_INLINE static Vec16 subtract16(Vec16 a, Vec16 b) {
    return vsubq_s16(a, b);
  }
  INTVIT_INLINE static Vec16 shift_left16(Vec16 value, const std::uint8_t *counts) { // to the left
    return vshlq_s16(value, vreinterpretq_s16_u16(vmovl_u8(vld1_u8(counts))));
  }
  INTVIT_INLINE static Vec pair_sums(Vec16 value) {
    return vpaddlq_s16(value);
  }
  // Sums of 64 bits of four squares each; a pair's fit 32 unsigned bits.
  INTVIT_INLINE static Vec square_sums64(Vec16 value) {
    const int32x4_t lower = vmull_s16(vget_low_s16(value), vget_low_s16(value));
    const int32x4_t upper = vmull_high_s16(value, value);
    return vreinterpretq_s32_u64(vpaddlq_u32(vaddq_u32(vreinterpretq_u32_s32(lower), vreinterpretq_u32_s32(upper))));
  }

  // Bytes.
  // Four vectors of integers from 0 to 2^31 - 1, clamped to 255, one after the other.
  INTVIT_INLINE static Bytes narrow_to_bytes(Vec a, Vec b, Vec c, Vec d) {
    const auto narrow_pair = [](Vec low, Vec high) {
      return vqmovn_high_u32(vqmovn_u32(vreinterpretq_u32_s32(low)), vreinterpretq_u32_s32(high));
    };
    return vqmovn_high_u16(vqmovn_u16(narrow_pair(a, b)), narrow_pair(c, d));
  }
  INTVIT_INLINE static Bytes set_bytes(std::uint8_t value) {
    return vdupq_n_u8(value);
  }
  INTVIT_INLINE static Bytes load_bytes(const std::uint8_t *from) {
    return vld1q_u8(from);
  }
  INTVIT_INLINE static void store_bytes(std::uint8_t *to, Bytes value) {
    vst1q_u8(to, value);
  }
  INTVIT_INLINE static Bytes keep_bytes(Bytes value, int count) {
    alignas(16) static constexpr std::uint8_t places[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return vandq_u8(value, vcltq_u8(vld1q_u8(places), set_bytes(static_cast<std::uint8_t>(count))));
  }
  // Adds the bytes up in some lanes.
  INTVIT_INLINE static Vec accumulate_bytes(Vec sum, Bytes value) {
    return vreinterpretq_s32_u32(vpadalq_u16(vreinterpretq_u32_s32(sum), vpaddlq_u8(value)));
  }
  // count + 1 where value > limit.
  INTVIT_INLINE static Bytes count_above(Bytes count, Bytes value, std::uint8_t limit) {
    return vsubq_u8(count, vcgtq_u8(value, set_bytes(limit)));
  }
  // table[index], 0 where index is 16.
  INTVIT_INLINE static Bytes look_up_16(const std::uint8_t *table, Bytes index) {
    return vqtbl1q_u8(vld1q_u8(table), index);
  }
  // Words (kernels/four_bits.hpp), two a byte, their values, and the sum of two values.
  INTVIT_INLINE static Bytes low_nibbles(Bytes words) {
    return vandq_u8(words, set_bytes(15));
  }
  INTVIT_INLINE static Bytes high_nibbles(Bytes words) {
    return vshrq_n_u8(words, 4);
  }
  INTVIT_INLINE static Bytes word_values(const std::uint8_t *values, Bytes words) {
    return vqtbl1q_u8(vld1q_u8(values), words);
  }
  // to[i] = from[index[i]] of 16 bytes, 0 where the index is 128.
  INTVIT_INLINE static void gather_bytes(const std::uint8_t *from, const std::uint8_t *index, std::uint8_t *to) {
    vst1q_u8(to, vqtbl1q_u8(vld1q_u8(from), vld1q_u8(index)));
  }
  INTVIT_INLINE static Bytes zip_low(Bytes a, Bytes b) {
    return vzip1q_u8(a, b);
  }
  INTVIT_INLINE static Bytes zip_high(Bytes a, Bytes b) {
    return vzip2q_u8(a, b);
  }
  INTVIT_INLINE static Bytes add_word_values(Bytes a, Bytes b) {
    const int8x16_t sum = vqaddq_s8(vreinterpretq_s8_u8(a), vreinterpretq_s8_u8(b));
    return vreinterpretq_u8_s8(vmaxq_s8(sum, vdupq_n_s8(-127)));
  }
  INTVIT_INLINE static void store_elements(Element *to, Bytes value) {
    vst1q_s8(to, vreinterpretq_s8_u8(value));
  }
  struct ByteTable {
    const std::uint8_t *entries;
  };
  INTVIT_INLINE static ByteTable byte_table(const std::uint8_t *table) {
    return {table};
  }
  INTVIT_INLINE static Bytes look_up(const ByteTable &table, Bytes index) {
    // tbl gives 0 where an index is not below 64; tbx then leaves such bytes as they are.
    Bytes result = vqtbl4q_u8(vld1q_u8_x4(table.entries), index);
#pragma GCC unroll 3
    for (int i = 1; i < 4; ++i)
      result = vqtbx4q_u8(result, vld1q_u8_x4(table.entries + 64 * i),
                          vsubq_u8(index, set_bytes(static_cast<std::uint8_t>(64 * i))));
    return result;
  }

  // Sums of 64 bits.
  INTVIT_INLINE static Vec add64(Vec a, Vec b) {
    return vreinterpretq_s32_s64(vaddq_s64(vreinterpretq_s64_s32(a), vreinterpretq_s64_s32(b)));
  }
  INTVIT_INLINE static std::int64_t sum64(Vec value) {
    return vaddvq_s64(vreinterpretq_s64_s32(value));
  }
  // The first `count` of 4 offsets: those of the lower lanes, those of the upper lanes.
  INTVIT_INLINE static void load_offsets(const std::int64_t *from, int count, Vec &lower, Vec &upper) {
    std::int64_t whole[std::size_t{lanes}] = {};
    if (count < lanes) {
      std::memcpy(whole, from, static_cast<std::size_t>(count) * sizeof(std::int64_t));
      from = whole;
    }
    lower = load64(from);
    upper = load64(from + lanes / 2);
  }
  // kernels/reciprocal.hpp, quotient(), of every lane. A rounding shift adds its half without overflow.
  INTVIT_INLINE static Vec quotient(Vec n, std::int32_t factor, int shift) {
    const int64x2_t right = vdupq_n_s64(-shift);
    const int64x2_t lower = vrshlq_s64(vmull_n_s32(vget_low_s32(n), factor), right);
    const int64x2_t upper = vrshlq_s64(vmull_high_n_s32(n, factor), right);
    return vuzp1q_s32(vreinterpretq_s32_s64(lower), vreinterpretq_s32_s64(upper));
  }
  // kernels/requantize.hpp, requantize() of every lane.
  INTVIT_INLINE static Vec requantize(Vec sum, Vec multiplier, Vec, Vec lower_offset, Vec upper_offset, int shift) {
    return narrow(add_products(lower_offset, upper_offset, sum, multiplier), shift);
  }
  // kernels/residual.hpp, add_requantize(), of codes that have been shifted.
  INTVIT_INLINE static Vec add_requantize(Vec sum, Vec multiplier, Vec, Vec code, Vec code_multiplier, Vec,
                                          Vec lower_offset, Vec upper_offset, int shift) {
    const Wide branch = add_products(lower_offset, upper_offset, sum, multiplier);
    return narrow(
        add_products(vreinterpretq_s32_s64(branch.lower), vreinterpretq_s32_s64(branch.upper), code, code_multiplier),
        shift);
  }

  INTVIT_INLINE static void subtract_128(const std::uint8_t *from, std::int8_t *to) { // 16 bytes
    vst1q_s8(to, vreinterpretq_s8_u8(veorq_u8(vld1q_u8(from), set_bytes(0x80))));
  }

  // Reads 4 bytes, of which 3 are a pixel.
  INTVIT_INLINE static Vec load_pixels(const std::uint8_t *from) {
    return widen(from);
  }
  // A vector holds one pixel, so its weight is in all lanes,
  INTVIT_INLINE static Vec spread_weights(const std::int32_t *from, int) {
    return Base::set(*from);
  }
  // and there is nothing to add up.
  INTVIT_INLINE static Vec sum_pixels(Vec value) {
    return value;
  }

private:
  struct Wide {
    int64x2_t lower;
    int64x2_t upper;
  };
  INTVIT_INLINE static Wide add_products(Vec lower, Vec upper, Vec a, Vec b) {
    return {vmlal_s32(vreinterpretq_s64_s32(lower), vget_low_s32(a), vget_low_s32(b)),
            vmlal_high_s32(vreinterpretq_s64_s32(upper), a, b)};
  }
  // 64-bit sums shifted right by `shift`, 32..62: their upper halves, shifted by what is left of it.
  INTVIT_INLINE static Vec narrow(Wide sums, int shift) {
    const Vec high = vuzp2q_s32(vreinterpretq_s32_s64(sums.lower), vreinterpretq_s32_s64(sums.upper));
    return vshlq_s32(high, vdupq_n_s32(32 - shift));
  }

  INTVIT_INLINE static Vec widen(const std::int32_t *from) {
    return Base::load(from);
  }
  INTVIT_INLINE static Vec widen(const std::int16_t *from) {
    return vmovl_s16(vld1_s16(from));
  }
  INTVIT_INLINE static Vec widen(const std::int8_t *from) {
    return vmovl_s16(vget_low_s16(vmovl_s8(vreinterpret_s8_u32(four_bytes(from)))));
  }
  INTVIT_INLINE static Vec widen(const std::uint8_t *from) {
    return vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(vmovl_u8(vreinterpret_u8_u32(four_bytes(from))))));
  }
  INTVIT_INLINE static uint32x2_t four_bytes(const void *from) {
    std::uint32_t four = 0;
    std::memcpy(&four, from, sizeof four);
    return vdup_n_u32(four);
  }

  INTVIT_INLINE static void unpack16(int16x8_t codes16, int shift, Vec &low, Vec &high) {
    low = shift_left(vmovl_s16(vget_low_s16(codes16)), shift);
    high = shift_left(vmovl_high_s16(codes16), shift);
  }
  // Clamped to 16 bits.
  INTVIT_INLINE static int16x8_t narrow16(Vec low, Vec high) {
    return vqmovn_high_s32(vqmovn_s32(low), high);
  }
  // clamp_to_int16().
  INTVIT_INLINE static int16x8_t clamp16(Vec low, Vec high) {
    return vmaxq_s16(narrow16(low, high), vdupq_n_s16(-32767));
  }
  INTVIT_INLINE static void store16_as_int8(std::int8_t *to, int16x8_t low, int16x8_t high) {
    vst1q_s8(to, vqmovn_high_s16(vqmovn_s16(low), high));
  }

  // Entries of 16 bits, whose low bytes are in one table and whose high bytes in another.
  INTVIT_INLINE static int8x16x2_t look_up_chords(const std::uint8_t (&low)[64], const std::uint8_t (&high)[64],
                                                  Bytes index) {
    return vzipq_s8(vreinterpretq_s8_u8(vqtbl4q_u8(vld1q_u8_x4(low), index)),
                    vreinterpretq_s8_u8(vqtbl4q_u8(vld1q_u8_x4(high), index)));
  }
  // GELU of x, whose place among the chords is u, as codes that are still to be clamped. sqrdmulh(a, b) = (a * b +
  // 2^14) >> 15 is the rounding of both products here, and rounding shifts add their half.
  INTVIT_INLINE static int16x8_t gelu16(int16x8_t x, int16x8_t u, int16x8_t start, int16x8_t slope, int fraction_bits,
                                        int16x8_t multiplier, int16x8_t zero_point) {
    const int chord_bits = fraction_bits - 4;
    const auto below_chord = static_cast<std::int16_t>((1 << chord_bits) - 1);
    const int16x8_t position =
        vshlq_s16(vandq_s16(u, vdupq_n_s16(below_chord)), vdupq_n_s16(static_cast<std::int16_t>(15 - chord_bits)));
    const int16x8_t tail16 = vaddq_s16(start, vqrdmulhq_s16(slope, position));
    const int16x8_t tail = vrshlq_s16(tail16, vdupq_n_s16(static_cast<std::int16_t>(fraction_bits - 16)));
    const int16x8_t g = vsubq_s16(vmaxq_s16(x, vdupq_n_s16(0)), tail);
    return vqaddq_s16(vqrdmulhq_s16(g, multiplier), zero_point);
  }
};

} // namespace intvit::kernels::neon
