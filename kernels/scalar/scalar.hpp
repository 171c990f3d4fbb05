// The operations of kernels/vector in plain C++, with arrays for vectors. Each says in C++ itself what it computes;
// kernels/vector/operations.hpp says what for. All are inlined by force, or compilers would call some of the loops.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/gelu.hpp"
#include "kernels/inline.hpp"
#include "kernels/reciprocal.hpp"
#include "kernels/requantize.hpp"
#include "kernels/residual.hpp"
#include "kernels/vector/panel.hpp"

namespace intvit::kernels::scalar {

// result[i] = lane(i) for all i.
template <typename T, std::size_t size, typename Lane> INTVIT_INLINE std::array<T, size> each(const Lane &lane) {
  std::array<T, size> result;
  for (std::size_t i = 0; i < size; ++i)
    result[i] = static_cast<T>(lane(i));
  return result;
}

// `Unit`: a type of the translation unit's own, as for the other classes of operations. A tile has as many `rows` as
// its sums leave registers for. `inputs`: how many products a step adds up, 1 or 2.
template <class Unit, int rows, int inputs> struct Operations {
  static constexpr int lanes = 4;
  static constexpr int tile_rows = rows;
  static constexpr int tile_vectors = 2;

  static constexpr std::size_t size = lanes;
  static constexpr std::size_t vectors = tile_vectors;

  // Lanes of 32 bits, or half as many of 64 in a `Wide`: those that the products of even or odd lanes have. A Vec that
  // holds a Wide is only ever read as one, so the machine's byte order does not matter.
  using Vec = std::array<std::int32_t, size>;
  using Wide = std::array<std::int64_t, size / 2>;
  using Vec16 = std::array<std::int16_t, 2 * size>;
  using Bytes = std::array<std::uint8_t, 4 * size>;
  using Row = Vec[vectors];

  using Element = std::int16_t;
  static constexpr int group = inputs;
  static constexpr int code_bias = 0;
  static constexpr int attention_weight_bias = 0;
  static constexpr bool wide_attention_weights = false;
  static constexpr bool looks_up_weights = false;
  static constexpr bool reads_codes = false;
  static constexpr int offset_place(int lane) { return lane % 2 * (lanes / 2) + lane / 2; }

  // Whole vectors, lane by lane. With std::memcpy GCC would copy two lanes as one 64-bit integer and then no longer
  // vectorize the sums.
  INTVIT_INLINE static Vec load(const std::int32_t *from) {
    return each32([&](std::size_t i) { return from[i]; });
  }
  INTVIT_INLINE static Vec load64(const std::int64_t *from) {
    Wide wide;
    std::memcpy(wide.data(), from, sizeof wide);
    return narrow(wide);
  }
  INTVIT_INLINE static void store(std::int32_t *to, Vec value) {
    for (std::size_t i = 0; i < size; ++i)
      to[i] = value[i];
  }

  // The first `count` elements, widened, the other lanes 0; nothing behind them is read or written.
  template <typename T> INTVIT_INLINE static Vec load(const T *from, int count) {
    Vec result{};
    for (std::size_t i = 0; i < index(count); ++i)
      result[i] = static_cast<std::int32_t>(from[i]);
    return result;
  }
  // The first `count` lanes, clamped to the codes of `to`.
  INTVIT_INLINE static void store_output(std::int8_t *to, Vec value, int count) {
    for (std::size_t i = 0; i < index(count); ++i)
      to[i] = clamp_to_int8(value[i]);
  }
  INTVIT_INLINE static void store_output(std::int16_t *to, Vec value, int count) {
    for (std::size_t i = 0; i < index(count); ++i)
      to[i] = clamp_to_int16(value[i]);
  }
  INTVIT_INLINE static void store_output(std::int32_t *to, Vec value, int count) {
    for (std::size_t i = 0; i < index(count); ++i)
      to[i] = value[i];
  }

  INTVIT_INLINE static Vec set(std::int32_t value) {
    return each32([&](std::size_t) { return value; });
  }
  // Modulo 2^32.
  INTVIT_INLINE static Vec add(Vec a, Vec b) {
    return each32([&](std::size_t i) { return bits(a[i]) + bits(b[i]); });
  }
  INTVIT_INLINE static Vec subtract(Vec a, Vec b) {
    return each32([&](std::size_t i) { return bits(a[i]) - bits(b[i]); });
  }
  INTVIT_INLINE static Vec multiply(Vec a, Vec b) {
    return each32([&](std::size_t i) { return bits(a[i]) * bits(b[i]); });
  }
  INTVIT_INLINE static Vec minimum(Vec a, Vec b) {
    return each32([&](std::size_t i) { return a[i] < b[i] ? a[i] : b[i]; });
  }
  INTVIT_INLINE static Vec maximum(Vec a, Vec b) {
    return each32([&](std::size_t i) { return a[i] > b[i] ? a[i] : b[i]; });
  }
  INTVIT_INLINE static Vec shift_left(Vec value, int count) {
    return each32([&](std::size_t i) { return bits(value[i]) << count; });
  }
  INTVIT_INLINE static Vec shift_left_lanes(Vec value, Vec counts) {
    return each32([&](std::size_t i) { return bits(value[i]) << counts[i]; });
  }
  INTVIT_INLINE static Vec shift_right_unsigned(Vec value, int count) {
    return each32([&](std::size_t i) { return bits(value[i]) >> count; });
  }
  INTVIT_INLINE static std::int32_t largest(Vec value) {
    std::int32_t result = value[0];
    for (const std::int32_t lane : value)
      result = lane > result ? lane : result;
    return result;
  }
  INTVIT_INLINE static std::int32_t sum(Vec value) {
    std::uint32_t result = 0;
    for (const std::int32_t lane : value)
      result += bits(lane);
    return static_cast<std::int32_t>(result);
  }
  // The first `count` lanes, the others 0.
  INTVIT_INLINE static Vec keep(Vec value, int count) {
    return each32([&](std::size_t i) { return i < index(count) ? value[i] : 0; });
  }
  INTVIT_INLINE static Vec keep_where_less(Vec value, Vec a, Vec b) { // 0 where a >= b
    return each32([&](std::size_t i) { return a[i] < b[i] ? value[i] : 0; });
  }
  INTVIT_INLINE static Vec low_byte(Vec value) {
    return each32([&](std::size_t i) { return value[i] & 255; });
  }
  // requantize() looks at the multipliers themselves and needs no other form of them.
  INTVIT_INLINE static Vec odd_lanes(Vec value) { return value; }
  INTVIT_INLINE static Vec look_up(const std::uint32_t *table, Vec at) {
    return each32([&](std::size_t i) { return table[at[i]]; });
  }
  // table[i % 16] >> (i / 16).
  INTVIT_INLINE static Vec exp_by_octaves(const std::uint32_t *table, Vec at) {
    return each32([&](std::size_t i) { return table[at[i] & 15] >> (at[i] >> 4); });
  }

  // How many of 16 integers below 2^31 are at least `least`.
  INTVIT_INLINE static int count_at_least(const std::uint32_t *integers, std::int32_t least) {
    int count = 0;
    for (std::size_t i = 0; i < 16; ++i)
      count += integers[i] >= bits(least) ? 1 : 0;
    return count;
  }

  // Dot products. A lane holds an element, or two with the first in its lower half.
  INTVIT_INLINE static Vec load_elements(const Element *from) {
    return each32([&](std::size_t i) { return elements(from + index(group) * i); });
  }
  INTVIT_INLINE static Vec broadcast_codes(const Element *from) { return set(elements(from)); }
  INTVIT_INLINE static Vec broadcast_attention_weights(const Element *from) { return set(elements(from)); }
  INTVIT_INLINE static Vec set_elements(int value) {
    const Element two[] = {static_cast<Element>(value), static_cast<Element>(value)};
    return set(elements(two));
  }
  INTVIT_INLINE static Vec dot(Vec sum, Vec input, Vec weights) {
    return each32([&](std::size_t i) {
      const std::int32_t first = static_cast<Element>(input[i]) * static_cast<Element>(weights[i]);
      return sum[i] + first + (group == 2 ? (input[i] >> 16) * (weights[i] >> 16) : 0);
    });
  }
  INTVIT_INLINE static void codes_to_elements(const std::int8_t *from, int count, Element *to, int padded) {
    for (int k = 0; k < count; ++k)
      to[k] = from[k];
    for (int k = count; k < padded; ++k)
      to[k] = 0;
  }
  INTVIT_INLINE static void interleave(const std::int8_t *from, std::ptrdiff_t stride, Element *to) {
    for (std::size_t v = 0; v < vectors; ++v)
      for (std::size_t i = 0; i < size; ++i)
        for (std::ptrdiff_t k = 0; k < group; ++k)
          *to++ = from[k * stride + static_cast<std::ptrdiff_t>(column(v, i))];
  }

  // Rows of a panel, in the order of its columns.
  template <typename T> INTVIT_INLINE static void load_row(const T *from, int shift, Row &row) { // codes << shift
    for (std::size_t v = 0; v < vectors; ++v)
      row[v] = each32([&](std::size_t i) { return from[column(v, i)] << shift; });
  }
  INTVIT_INLINE static void store_row(std::int8_t *to, const Row &row) {
    for (std::size_t v = 0; v < vectors; ++v)
      for (std::size_t i = 0; i < size; ++i)
        to[column(v, i)] = clamp_to_int8(row[v][i]);
  }
  INTVIT_INLINE static void store_row(std::int16_t *to, const Row &row) {
    for (std::size_t v = 0; v < vectors; ++v)
      for (std::size_t i = 0; i < size; ++i)
        to[column(v, i)] = clamp_to_int16(row[v][i]);
  }
  // A pair of vectors' multipliers and zero points are in the order of its columns.
  INTVIT_INLINE static void store_gelu(std::int8_t *to, const Row &row, GeluFunction function, int fraction_bits,
                                       const std::int16_t *multiplier, const std::int16_t *zero_point) {
    static_assert(vectors == 2);
    for (std::size_t v = 0; v < vectors; ++v)
      for (std::size_t i = 0; i < size; ++i) {
        const std::size_t c = column(v, i);
        to[c] = gelu_code(gelu(clamp_to_int16(row[v][i]), fraction_bits, function), multiplier[c],
                          static_cast<std::int8_t>(zero_point[c]));
      }
  }

  // Lanes of 16 bits.
  template <typename T> INTVIT_INLINE static Vec16 load16(const T *from) {
    return each16([&](std::size_t i) { return from[i]; });
  }
  INTVIT_INLINE static Vec16 subtract16(Vec16 a, Vec16 b) {
    return each16([&](std::size_t i) { return a[i] - b[i]; });
  }
  INTVIT_INLINE static Vec16 shift_left16(Vec16 value, const std::uint8_t *counts) { // to the left
    return each16([&](std::size_t i) { return value[i] << counts[i]; });
  }
  INTVIT_INLINE static Vec pair_sums(Vec16 value) {
    return each32([&](std::size_t i) { return value[2 * i] + value[2 * i + 1]; });
  }
  // Sums of 64 bits of four squares each.
  INTVIT_INLINE static Vec square_sums64(Vec16 value) {
    const auto square = [&](std::size_t i) { return std::int64_t{value[i]} * value[i]; };
    return narrow(each<std::int64_t, size / 2>(
        [&](std::size_t i) { return square(4 * i) + square(4 * i + 1) + square(4 * i + 2) + square(4 * i + 3); }));
  }

  // Bytes.
  // Four vectors of integers from 0 to 2^31 - 1, clamped to 255, one after the other.
  INTVIT_INLINE static Bytes narrow_to_bytes(Vec a, Vec b, Vec c, Vec d) {
    const Vec *parts[] = {&a, &b, &c, &d};
    return each8([&](std::size_t i) { return clamp((*parts[i / size])[i % size], 0, 255); });
  }
  INTVIT_INLINE static Bytes set_bytes(std::uint8_t value) {
    return each8([&](std::size_t) { return value; });
  }
  INTVIT_INLINE static Bytes load_bytes(const std::uint8_t *from) {
    return each8([&](std::size_t i) { return from[i]; });
  }
  INTVIT_INLINE static void store_bytes(std::uint8_t *to, Bytes value) { std::memcpy(to, value.data(), sizeof value); }
  INTVIT_INLINE static void store_attention_weights(Element *to, Bytes value) {
    for (std::size_t i = 0; i < value.size(); ++i)
      to[i] = value[i];
  }
  INTVIT_INLINE static Bytes keep_bytes(Bytes value, int count) {
    return each8([&](std::size_t i) { return i < index(count) ? value[i] : 0; });
  }
  // Adds the bytes up in some lanes.
  INTVIT_INLINE static Vec accumulate_bytes(Vec sum, Bytes value) {
    return each32(
        [&](std::size_t i) { return sum[i] + value[i] + value[size + i] + value[2 * size + i] + value[3 * size + i]; });
  }
  // count + 1 where value > limit.
  INTVIT_INLINE static Bytes count_above(Bytes count, Bytes value, std::uint8_t limit) {
    return each8([&](std::size_t i) { return count[i] + (value[i] > limit ? 1 : 0); });
  }
  // table[index], 0 where index is 16.
  INTVIT_INLINE static Bytes look_up_16(const std::uint8_t *table, Bytes at) {
    return each8([&](std::size_t i) { return at[i] < 16 ? table[at[i]] : 0; });
  }
  // Words (kernels/four_bits.hpp), two a byte, their values, and the sum of two values.
  INTVIT_INLINE static Bytes low_nibbles(Bytes words) {
    return each8([&](std::size_t i) { return words[i] & 15; });
  }
  INTVIT_INLINE static Bytes high_nibbles(Bytes words) {
    return each8([&](std::size_t i) { return words[i] >> 4; });
  }
  INTVIT_INLINE static Bytes word_values(const std::uint8_t *values, Bytes words) {
    return each8([&](std::size_t i) { return values[words[i]]; });
  }
  // to[i] = from[index[i]] of 16 bytes, 0 where the index is 128.
  INTVIT_INLINE static void gather_bytes(const std::uint8_t *from, const std::uint8_t *index, std::uint8_t *to) {
    std::uint8_t bytes[16];
    for (std::size_t i = 0; i < 16; ++i)
      bytes[i] = index[i] < 16 ? from[index[i]] : std::uint8_t{0};
    std::memcpy(to, bytes, sizeof bytes);
  }
  INTVIT_INLINE static Bytes zip_low(Bytes a, Bytes b) {
    return each8([&](std::size_t i) { return i % 2 == 0 ? a[i / 2] : b[i / 2]; });
  }
  INTVIT_INLINE static Bytes zip_high(Bytes a, Bytes b) {
    return each8([&](std::size_t i) { return i % 2 == 0 ? a[2 * size + i / 2] : b[2 * size + i / 2]; });
  }
  INTVIT_INLINE static Bytes add_word_values(Bytes a, Bytes b) {
    return each8([&](std::size_t i) {
      return clamp(static_cast<std::int8_t>(a[i]) + static_cast<std::int8_t>(b[i]), -127, 127);
    });
  }
  INTVIT_INLINE static void store_elements(Element *to, Bytes value) {
    for (std::size_t i = 0; i < value.size(); ++i)
      to[i] = static_cast<std::int8_t>(value[i]);
  }
  struct ByteTable {
    const std::uint8_t *entries;
  };
  INTVIT_INLINE static ByteTable byte_table(const std::uint8_t *table) { return {table}; }
  INTVIT_INLINE static Bytes look_up(const ByteTable &table, Bytes at) {
    return each8([&](std::size_t i) { return table.entries[at[i]]; });
  }

  // Sums of 64 bits.
  INTVIT_INLINE static Vec add64(Vec a, Vec b) {
    const Wide x = widen(a);
    const Wide y = widen(b);
    return narrow(each<std::int64_t, size / 2>([&](std::size_t i) { return x[i] + y[i]; }));
  }
  INTVIT_INLINE static std::int64_t sum64(Vec value) {
    std::int64_t result = 0;
    for (const std::int64_t lane : widen(value))
      result += lane;
    return result;
  }
  // The first `count` offsets: those of even lanes, those of odd lanes.
  INTVIT_INLINE static void load_offsets(const std::int64_t *from, int count, Vec &even, Vec &odd) {
    Wide halves[2] = {};
    for (std::size_t i = 0; i < index(count); ++i)
      halves[i % 2][i / 2] = from[i];
    even = narrow(halves[0]);
    odd = narrow(halves[1]);
  }
  INTVIT_INLINE static Vec quotient(Vec n, std::int32_t factor, int shift) {
    return each32([&](std::size_t i) { return kernels::quotient(n[i], {factor, shift}); });
  }
  INTVIT_INLINE static Vec requantize(Vec sum, Vec multiplier, Vec, Vec even_offset, Vec odd_offset, int shift) {
    const Wide offset[2] = {widen(even_offset), widen(odd_offset)};
    return each32(
        [&](std::size_t i) { return kernels::requantize(sum[i], multiplier[i], offset[i % 2][i / 2], shift); });
  }
  // Of codes that have been shifted.
  INTVIT_INLINE static Vec add_requantize(Vec sum, Vec multiplier, Vec, Vec code, Vec code_multiplier, Vec,
                                          Vec even_offset, Vec odd_offset, int shift) {
    const Wide offset[2] = {widen(even_offset), widen(odd_offset)};
    return each32([&](std::size_t i) {
      return kernels::add_requantize(sum[i], multiplier[i], code[i], 0, code_multiplier[i], offset[i % 2][i / 2],
                                     shift);
    });
  }

  // 16 bytes. They are read before the first is written, so the compiler need not ask whether the two overlap.
  INTVIT_INLINE static void subtract_128(const std::uint8_t *from, std::int8_t *to) {
    std::uint8_t bytes[16];
    std::memcpy(bytes, from, sizeof bytes);
    for (std::uint8_t &byte : bytes)
      byte = static_cast<std::uint8_t>(byte ^ 128);
    std::memcpy(to, bytes, sizeof bytes);
  }

  // Reads 4 bytes, of which 3 are a pixel.
  INTVIT_INLINE static Vec load_pixels(const std::uint8_t *from) { return load(from, lanes); }
  // A vector holds one pixel, so its weight is in all lanes,
  INTVIT_INLINE static Vec spread_weights(const std::int32_t *from, int) { return set(*from); }
  // and there is nothing to add up.
  INTVIT_INLINE static Vec sum_pixels(Vec value) { return value; }

private:
  static constexpr std::size_t index(int i) { return static_cast<std::size_t>(i); }
  INTVIT_INLINE static std::int32_t elements(const Element *from) {
    if constexpr (group == 1)
      return *from;
    else
      return static_cast<std::int32_t>(bits(from[0]) & 0xFFFF) | static_cast<std::int32_t>(bits(from[1]) << 16);
  }
  static constexpr std::uint32_t bits(std::int32_t value) { return static_cast<std::uint32_t>(value); }
  static constexpr std::size_t column(std::size_t v, std::size_t lane) {
    return index(vector::Panel<Operations>::column(static_cast<int>(v), static_cast<int>(lane)));
  }
  // What std::bit_cast is made of; emscripten's library has none yet.
  INTVIT_INLINE static Wide widen(Vec value) { return __builtin_bit_cast(Wide, value); }
  INTVIT_INLINE static Vec narrow(Wide value) { return __builtin_bit_cast(Vec, value); }
  template <typename Lane> INTVIT_INLINE static Vec each32(const Lane &lane) { return each<std::int32_t, size>(lane); }
  template <typename Lane> INTVIT_INLINE static Vec16 each16(const Lane &lane) {
    return each<std::int16_t, 2 * size>(lane);
  }
  template <typename Lane> INTVIT_INLINE static Bytes each8(const Lane &lane) {
    return each<std::uint8_t, 4 * size>(lane);
  }
};

} // namespace intvit::kernels::scalar
