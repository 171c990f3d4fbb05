// The forms in which products without and with VNNI take their operands, for vectors of either width: `Operations` are
// avx256's or avx512's, for a type of the translation unit's own, so that nothing compiled with its flags can be linked
// into another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace intvit::kernels::x86 {

// Widened to 16 bits, which vpmaddwd multiplies and adds exactly.
template <class Operations> struct WideElements : Operations {
  using typename Operations::Bytes;
  using typename Operations::Vec;
  using Element = std::int16_t;

  static constexpr int group = 2;
  static constexpr int code_bias = 0;
  static constexpr int attention_weight_bias = -32768;
  static constexpr bool wide_attention_weights = true;
  static constexpr bool looks_up_weights = false;
  static constexpr bool reads_codes = false;

  static Vec load_elements(const Element *from) { return Operations::load_vector(from); }
  static Vec broadcast_codes(const Element *from) { return Operations::broadcast4(from); }
  static Vec broadcast_attention_weights(const Element *from) { return Operations::broadcast4(from); }
  static Vec set_elements(int value) { return Operations::set16(static_cast<std::int16_t>(value)); }
  static void codes_to_elements(const std::int8_t *from, int count, Element *to, int padded) {
    constexpr int at_once = 2 * Operations::lanes;
    int k = 0;
    for (; k + at_once <= count; k += at_once)
      Operations::store_vector(to + k, Operations::load16(from + k));
    for (; k < count; ++k)
      to[k] = from[k];
    for (; k < padded; ++k)
      to[k] = 0;
  }
  static void store_attention_weights(Element *to, Bytes high, Bytes low) {
    Operations::store_pairs(to, low, Operations::flip_signs(high)); // 2^15 less
  }
  static void store_elements(Element *to, Bytes value) { Operations::store_widened(to, value); }
  static void interleave(const std::int8_t *from, std::ptrdiff_t stride, Element *to) {
    Operations::interleave2(from, stride, to);
  }
  // A product of two 8-bit numbers is at most 2^14 in magnitude, that of an attention weight and a value 2^22, so sums
  // of two are far from 32 bits.
  static Vec dot(Vec sum, Vec input, Vec weights) {
    return Operations::add(sum, Operations::multiply_pairs(input, weights));
  }
};

// Bytes: inputs as codes plus 128, which are unsigned; weights are the same bits, read as signed.
template <class Operations> struct ByteElements : Operations {
  using typename Operations::Bytes;
  using Element = std::uint8_t;

  static constexpr int group = 4;
  static constexpr int code_bias = 128;
  static constexpr int attention_weight_bias = 0;
  static constexpr bool wide_attention_weights = false;
  static constexpr bool looks_up_weights = false;

  static void store_elements(Element *to, Bytes value) { Operations::store_bytes(to, value); }
  static void interleave(const std::int8_t *from, std::ptrdiff_t stride, Element *to) {
    Operations::interleave4(from, stride, to);
  }
};

// Bytes for folded_product.hpp, and for linear maps alone: 128 is added when rows are converted.
template <class Operations> struct FoldedElements : ByteElements<Operations> {
  static constexpr bool reads_codes = false;

  static void codes_to_elements(const std::int8_t *from, int count, std::uint8_t *to, int padded) {
    constexpr int at_once = 4 * Operations::lanes;
    int k = 0;
    for (; k + at_once <= count; k += at_once)
      Operations::store_vector(to + k, Operations::flip_signs(Operations::load_vector(from + k))); // 128 more
    for (; k < count; ++k)
      to[k] = static_cast<std::uint8_t>(from[k] + 128);
    for (; k < padded; ++k)
      to[k] = 0;
  }
};

// Bytes for VNNI, whose dot product the translation unit adds: 128 is added when codes are broadcast.
template <class Operations> struct VnniElements : ByteElements<Operations> {
  using typename Operations::Bytes;
  using typename Operations::Vec;
  using Element = std::uint8_t;

  static constexpr bool reads_codes = true;

  static Vec load_elements(const Element *from) { return Operations::load_vector(from); }
  static Vec broadcast_attention_weights(const Element *from) { return Operations::broadcast4(from); }
  static Vec broadcast_codes(const Element *from) { return Operations::flip_signs(Operations::broadcast4(from)); }
  static Vec set_elements(int value) { return Operations::set_bytes(static_cast<std::uint8_t>(value)); }
  static void codes_to_elements(const std::int8_t *from, int count, Element *to, int padded) {
    std::memcpy(to, from, static_cast<std::size_t>(count));
    std::memset(to + count, 0, static_cast<std::size_t>(padded - count));
  }
  static void store_attention_weights(Element *to, Bytes value) { Operations::store_bytes(to, value); }
};

} // namespace intvit::kernels::x86
