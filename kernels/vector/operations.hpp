// What a new instruction set brings: a class V of operations on its vectors, all of them static members. This file is
// their contract, one concept for each use; the kernels of this folder are built of nothing else. The product of a tile
// has a concept of its own in tile_product.hpp, and kernels.hpp puts all together. `kernels/x86/avx512.hpp` with a form
// of operands from `element_forms.hpp` is a complete class; `kernels/scalar/scalar.hpp` is one in plain C++, which says
// most clearly what each operation computes.
//
// Words that are used below and in the kernels:
//   lane     one of V::lanes 32-bit integers in a vector; 16-bit and 8-bit lanes are named as such
//   code     a quantized value of 8 or 16 bits (docs/numerics.md)
//   panel    the weights of V::tile_vectors * V::lanes output columns, rearranged so that a step of the product reads
//            them one after the other (panel.hpp)
//   element  what a product multiplies: a code or a weight in the form that V's instructions take
//   step     V::group inputs of all columns of a panel: what one product instruction adds up
//
// Unless an operation says otherwise, pointers need no alignment, nothing behind the named elements is read or written,
// and sums and products are modulo 2^32.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

namespace intvit::kernels::vector {

// Plain arithmetic on lanes of 32 bits. XsimdLanes (xsimd_lanes.hpp) has all of it for what xsimd knows.
template <class V>
concept LaneOperations = requires(typename V::Vec a, typename V::Vec b, const std::int32_t *from, std::int32_t *to,
                                  std::int32_t value, int count) {
  // A vector. It is passed by value and kept in registers.
  typename V::Vec;
  // Its lanes: 4, 8 or 16.
  requires V::lanes == 4 || V::lanes == 8 || V::lanes == 16;

  { V::load(from) } -> std::same_as<typename V::Vec>;
  V::store(to, a);
  // The value in all lanes.
  { V::set(value) } -> std::same_as<typename V::Vec>;

  { V::add(a, b) } -> std::same_as<typename V::Vec>;
  { V::subtract(a, b) } -> std::same_as<typename V::Vec>;
  { V::multiply(a, b) } -> std::same_as<typename V::Vec>;
  // Of signed lanes.
  { V::minimum(a, b) } -> std::same_as<typename V::Vec>;
  { V::maximum(a, b) } -> std::same_as<typename V::Vec>;
  // By 0 <= count < 32; by a count of its own for every lane, 0..31; with zeros from the left.
  { V::shift_left(a, count) } -> std::same_as<typename V::Vec>;
  { V::shift_left_lanes(a, b) } -> std::same_as<typename V::Vec>;
  { V::shift_right_unsigned(a, count) } -> std::same_as<typename V::Vec>;
  // The first `count` lanes, 0..lanes, the others 0.
  { V::keep(a, count) } -> std::same_as<typename V::Vec>;
};

// Parts of rows, which need not be whole vectors, and the arithmetic that changes scales. Multiplications to 64 bits
// take half of the lanes at a time, and instruction sets differ in which half: x86 takes the even lanes and then the
// odd ones, Arm the lower and then the upper ones. Constants are stored so that each finds its own. A "64-bit vector"
// below is a Vec that holds lanes / 2 integers of 64 bits.
template <class V>
concept RowOperations = LaneOperations<V> &&
    requires(typename V::Vec a, typename V::Vec &result, const std::int64_t *offsets, std::int32_t factor, int lane,
             int count, int shift, const std::uint8_t *uint8, const std::int8_t *int8, const std::int16_t *int16,
             const std::int32_t *int32, std::int8_t *to8, std::int16_t *to16, std::int32_t *to32) {
  // The first `count` elements, 0..lanes, widened to lanes; the other lanes are 0.
  { V::load(uint8, count) } -> std::same_as<typename V::Vec>;
  { V::load(int8, count) } -> std::same_as<typename V::Vec>;
  { V::load(int16, count) } -> std::same_as<typename V::Vec>;
  { V::load(int32, count) } -> std::same_as<typename V::Vec>;
  // Writes the first `count` lanes, 1..lanes, as clamp_to_int8(), as clamp_to_int16() and as they are.
  V::store_output(to8, a, count);
  V::store_output(to16, a, count);
  V::store_output(to32, a, count);

  // Multipliers as requantize() takes them beside those in their places: x86 wants those of odd lanes moved to the even
  // lanes before them, Arm does not look at it.
  { V::odd_lanes(a) } -> std::same_as<typename V::Vec>;
  // Where among a vector's `lanes` offsets of 64 bits the one of `lane` is stored: first those of one half of the
  // lanes, as one 64-bit vector, then those of the other.
  { V::offset_place(lane) } -> std::same_as<int>;
  // One of these 64-bit vectors.
  { V::load64(offsets) } -> std::same_as<typename V::Vec>;
  // Both of them, from the first `count` offsets, 1..lanes, in the order of lanes; the others are 0.
  V::load_offsets(offsets, count, result, result);

  // kernels::requantize() in every lane: accumulators, multipliers, odd_lanes(multipliers), both vectors of offsets and
  // a shift of 32..62.
  { V::requantize(a, a, a, a, a, shift) } -> std::same_as<typename V::Vec>;
  // kernels::quotient() in every lane, for results that fit 32 bits (the caller's bound); factor and shift are a
  // Reciprocal's.
  { V::quotient(a, factor, shift) } -> std::same_as<typename V::Vec>;
};

// What a linear map's epilogues do with a row of a panel: V::tile_vectors vectors whose lanes are in the panel's order
// (Panel::column()), which the memory that they are read from and written to is not.
template <class V>
concept EpilogueOperations = RowOperations<V> &&
    requires(typename V::Vec a, typename V::Vec (&row)[std::size_t{V::tile_vectors}],
             const typename V::Vec (&results)[std::size_t{V::tile_vectors}], const std::int8_t *int8,
             const std::int16_t *int16, std::int8_t *to8, std::int16_t *to16, int shift, GeluFunction function,
             int fraction_bits) {
  // The codes of all columns, shifted to the left: by 0..23 for int8, 0..15 for int16.
  V::load_row(int8, shift, row);
  V::load_row(int16, shift, row);
  // clamp_to_int8() and clamp_to_int16() of all columns.
  V::store_row(to8, results);
  V::store_row(to16, results);
  // gelu_code(gelu(clamp_to_int16(result))) of all columns (kernels/gelu.hpp). Multipliers and zero points are in the
  // order of Panel::column16(), aligned to 64 bytes; zero points are int8 codes.
  V::store_gelu(to8, results, function, fraction_bits, int16, int16);
  // kernels::add_requantize() in every lane: accumulators, multipliers, odd_lanes(multipliers), codes that have been
  // shifted, their multipliers and odd_lanes() of those, both vectors of offsets, shift.
  { V::add_requantize(a, a, a, a, a, a, a, a, shift) } -> std::same_as<typename V::Vec>;
};

// LayerNorm's sums over a row. They take twice as many lanes of 16 bits.
template <class V>
concept LayerNormOperations = RowOperations<V> &&
    requires(typename V::Vec a, typename V::Vec16 x, const std::int8_t *int8, const std::int16_t *int16,
             const std::uint8_t *counts) {
  // A vector of 2 * lanes integers of 16 bits.
  typename V::Vec16;
  // As many elements, widened to 16 bits.
  { V::load16(int8) } -> std::same_as<typename V::Vec16>;
  { V::load16(int16) } -> std::same_as<typename V::Vec16>;
  // Of results that fit 16 bits.
  { V::subtract16(x, x) } -> std::same_as<typename V::Vec16>;
  // By a count of its own for every lane, 0..7, in bytes one after the other; of results that fit 16 bits.
  { V::shift_left16(x, counts) } -> std::same_as<typename V::Vec16>;
  // The sums of neighbouring pairs.
  { V::pair_sums(x) } -> std::same_as<typename V::Vec>;
  // 64-bit sums of the squares of four lanes each; in which lanes does not matter.
  { V::square_sums64(x) } -> std::same_as<typename V::Vec>;
  { V::add64(a, a) } -> std::same_as<typename V::Vec>;
  // The sum of all lanes, of 32 bits and of 64.
  { V::sum(a) } -> std::same_as<std::int32_t>;
  { V::sum64(a) } -> std::same_as<std::int64_t>;
};

// The forms in which a product takes its operands. A panel's weights lie as elements [steps][columns][V::group]; rows
// of input lie as elements one after the other. Instruction sets that want input rows otherwise rearrange them in their
// tile product (tile_product.hpp).
template <class V>
concept ElementOperations = LaneOperations<V> &&
    requires(const std::int8_t *codes, std::ptrdiff_t stride, int count, typename V::Element *to) {
  typename V::Element;
  // How many products of neighbouring inputs one instruction adds up in a lane. A group of 8 makes the panel of
  // instructions that multiply 2 x 8 by 8 x 2 matrices, a group of 4 that of those that take a tile [.][4].
  requires V::group == 1 || V::group == 2 || V::group == 4 || V::group == 8;
  // A tile of the product: rows of input, and vectors of output columns, an even number of them.
  requires V::tile_rows >
  0 && V::tile_vectors > 0 && V::tile_vectors % 2 == 0;
  // What the product adds to every int8 input to suit the instruction: VNNI multiplies unsigned by signed bytes, so 128
  // makes inputs unsigned. Accumulators start at -code_bias * sum(weights) to make up for it, which is exact: sums are
  // modulo 2^32, and the true accumulator fits 32 bits.
  { V::code_bias } -> std::convertible_to<int>;
  // The same for attention weights, which are 0..255 or, where an element holds 16 bits of them, 0..65535: -128 where
  // elements are signed bytes, -32768 where they are signed and hold 16 bits.
  { V::attention_weight_bias } -> std::convertible_to<int>;
  { V::wide_attention_weights } -> std::convertible_to<bool>;
  // Whether elements are int8 codes as they lie in memory. Then inputs whose number is a multiple of `group` are read
  // in place; all others go through codes_to_elements() first.
  { V::reads_codes } -> std::convertible_to<bool>;
  // `count` codes as elements, then zeros up to `padded` elements. The arguments: from, count, to, padded.
  V::codes_to_elements(codes, count, to, count);
  // One step of a panel: `group` rows of a panel's columns, `stride` apart, to [columns][group] in the panel's order.
  // `to` is aligned to 64 bytes.
  V::interleave(codes, stride, to);
};

// Attention weights as elements, V::attention_weight_bias added; `to` is aligned to 64 bytes. Those of 16 bits are
// given by their high and their low bytes.
template <class V>
concept ByteWeights = !V::wide_attention_weights && requires(typename V::Element * to, typename V::Bytes weights) {
  V::store_attention_weights(to, weights);
};
template <class V>
concept WideWeights = V::wide_attention_weights &&
    requires(typename V::Element *to, typename V::Bytes high, typename V::Bytes low) {
  V::store_attention_weights(to, high, low);
};

// The softmax of attention scores. `Bytes` are 4 * lanes bytes, those of four vectors one after the other.
template <class V>
concept SoftmaxOperations = ElementOperations<V> &&
    (ByteWeights<V> || WideWeights<V>)&&requires(typename V::Vec a, typename V::Bytes bytes,
                                                 typename V::ByteTable table, const std::uint32_t *exp,
                                                 std::int32_t least, const std::uint8_t *from, std::uint8_t *to,
                                                 std::uint8_t byte, int count) {
  typename V::Bytes;
  { V::largest(a) } -> std::same_as<std::int32_t>;
  { V::sum(a) } -> std::same_as<std::int32_t>;
  // The first argument's lanes where the second's are less than the third's, else 0.
  { V::keep_where_less(a, a, a) } -> std::same_as<typename V::Vec>;
  // The lowest 8 bits of every lane.
  { V::low_byte(a) } -> std::same_as<typename V::Vec>;

  // exp[index] of a table of 256, index 0..255.
  { V::look_up(exp, a) } -> std::same_as<typename V::Vec>;
  // exp[index % 16] >> (index / 16), unsigned, index 0..255: the same for tables that halve every 16 entries.
  { V::exp_by_octaves(exp, a) } -> std::same_as<typename V::Vec>;
  // How many of 16 integers below 2^31 are at least `least`, which is positive.
  { V::count_at_least(exp, least) } -> std::same_as<int>;

  // Four vectors of integers 0..2^31 - 1, clamped to 255.
  { V::narrow_to_bytes(a, a, a, a) } -> std::same_as<typename V::Bytes>;
  { V::set_bytes(byte) } -> std::same_as<typename V::Bytes>;
  // From an address aligned to 64 bytes.
  { V::load_bytes(from) } -> std::same_as<typename V::Bytes>;
  V::store_bytes(to, bytes);
  // The first `count` bytes, 0 <= count < 4 * lanes, the others 0.
  { V::keep_bytes(bytes, count) } -> std::same_as<typename V::Bytes>;
  // Adds the bytes up in the vector's lanes; which byte in which lane does not matter.
  { V::accumulate_bytes(a, bytes) } -> std::same_as<typename V::Vec>;
  // The first argument, plus 1 where the second exceeds `byte`.
  { V::count_above(bytes, bytes, byte) } -> std::same_as<typename V::Bytes>;
  // from[index] of 16 bytes aligned to 16, index 0..15; 0 where the index is 16.
  { V::look_up_16(from, bytes) } -> std::same_as<typename V::Bytes>;
  // A table of 256 bytes in whatever form suits, and table[index]. The bytes that it was made of stay where they are.
  typename V::ByteTable;
  { V::byte_table(from) } -> std::same_as<typename V::ByteTable>;
  { V::look_up(table, bytes) } -> std::same_as<typename V::Bytes>;
  // Whether looking int16 weights up, byte by byte, takes fewer instructions than computing them.
  { V::looks_up_weights } -> std::convertible_to<bool>;
};

// Words of four bits (kernels/four_bits.hpp), two in a byte, to elements. Their panels read bytes with load_bytes().
template <class V>
concept WordOperations = ElementOperations<V> &&
    requires(typename V::Bytes words, const std::uint8_t *from, std::uint8_t *to, typename V::Element *elements) {
  { V::load_bytes(from) } -> std::same_as<typename V::Bytes>;
  // The lower and the upper four bits of every byte.
  { V::low_nibbles(words) } -> std::same_as<typename V::Bytes>;
  { V::high_nibbles(words) } -> std::same_as<typename V::Bytes>;
  // values[b] of bytes b in 0..15; `values` are 16, aligned to 16 bytes.
  { V::word_values(from, words) } -> std::same_as<typename V::Bytes>;
  // The sum of two int8, clamped to +-127.
  { V::add_word_values(words, words) } -> std::same_as<typename V::Bytes>;
  // to[i] = from[index[i]] of 16 bytes, 0 where the index is 128; `index`, the second argument, is aligned to 16 bytes.
  V::gather_bytes(from, from, to);
  // Of every 16 bytes of a vector: the lower eight of the first and of the second in turns; and the upper eight.
  { V::zip_low(words, words) } -> std::same_as<typename V::Bytes>;
  { V::zip_high(words, words) } -> std::same_as<typename V::Bytes>;
  // int8 weights as elements; `elements` is aligned to 64 bytes.
  V::store_elements(elements, words);
};

// Resizing an image, and cutting it into patches.
template <class V>
concept ImageOperations = RowOperations<V> && requires(typename V::Vec a, const std::uint8_t *from, std::uint8_t *to,
                                                       std::int8_t *codes, const std::int32_t *weights, int count) {
  // V::lanes / 4 pixels of RGB, a lane for a channel; what the fourth lane of a pixel holds does not matter. Reads
  // V::lanes bytes.
  { V::load_pixels(from) } -> std::same_as<typename V::Vec>;
  // The first `count` of lanes / 4 weights, each in the four lanes of a pixel; 0 for the other pixels. count >= 1.
  { V::spread_weights(weights, count) } -> std::same_as<typename V::Vec>;
  // The sum of all pixels in the first four lanes.
  { V::sum_pixels(a) } -> std::same_as<typename V::Vec>;
  // Four vectors of integers 0..2^31 - 1, clamped to 255, one after the other.
  { V::narrow_to_bytes(a, a, a, a) } -> std::same_as<typename V::Bytes>;
  V::store_bytes(to, V::narrow_to_bytes(a, a, a, a));
  // 16 bytes of an image to int8 codes, byte - 128.
  V::subtract_128(from, codes);
};

} // namespace intvit::kernels::vector
