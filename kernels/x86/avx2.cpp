// The kernels for AVX2. Compiled with -mavx2.
//
// AVX2's product of bytes, vpmaddubsw, saturates sums of two products at 16 bits and would give wrong results. So
// elements are widened to 16 bits, which vpmaddwd multiplies and adds exactly. Linear maps whose weights are small take
// the product of bytes all the same: folded_product.hpp proves of each step that nothing saturates.
#include "kernels/backends.hpp"
#include "kernels/vector/kernels.hpp"
#include "kernels/x86/avx256.hpp"
#ifndef __OPTIMIZE_SIZE__
#include "kernels/x86/either_product.hpp"
#endif

namespace intvit::kernels {

namespace {

struct Avx2 {};

struct Vector : avx256::Operations<Avx2> {
  using Element = std::int16_t;

  static constexpr int group = 2;
  static constexpr int code_bias = 0;
  static constexpr int attention_weight_bias = -32768;
  static constexpr bool wide_attention_weights = true;
  static constexpr bool reads_codes = false;

  static Vec load_elements(const Element *from) { return load256(from); }
  static Vec broadcast_codes(const Element *from) {
    std::int32_t two = 0;
    std::memcpy(&two, from, sizeof two);
    return _mm256_set1_epi32(two);
  }
  static Vec broadcast_attention_weights(const Element *from) { return broadcast_codes(from); }
  static Vec set_elements(int value) { return _mm256_set1_epi16(static_cast<std::int16_t>(value)); }
  static void codes_to_elements(const std::int8_t *from, int count, Element *to, int padded) {
    int k = 0;
    for (; k + 16 <= count; k += 16)
      store256(to + k, _mm256_cvtepi8_epi16(load128(from + k)));
    for (; k < count; ++k)
      to[k] = from[k];
    for (; k < padded; ++k)
      to[k] = 0;
  }
  static void store_attention_weights(Element *to, Bytes high, Bytes low) {
    const __m256i sign = set_bytes(0x80); // subtracts 2^15
    const __m256i signed_high = _mm256_xor_si256(high, sign);
    const __m256i first = _mm256_unpacklo_epi8(low, signed_high); // of the first eight of either half
    const __m256i last = _mm256_unpackhi_epi8(low, signed_high);
    store256(to, _mm256_permute2x128_si256(first, last, 0x20));
    store256(to + 16, _mm256_permute2x128_si256(first, last, 0x31));
  }
  static void store_elements(Element *to, Bytes value) {
    store256(to, _mm256_cvtepi8_epi16(_mm256_castsi256_si128(value)));
    store256(to + 16, _mm256_cvtepi8_epi16(_mm256_extracti128_si256(value, 1)));
  }
  // 2 rows of 16 bytes to a panel's [columns][2].
  static void interleave(const std::int8_t *from, std::ptrdiff_t stride, Element *to) {
    const __m256i row0 = _mm256_cvtepi8_epi16(load128(from));
    const __m256i row1 = _mm256_cvtepi8_epi16(load128(from + stride));
    store256(to, _mm256_unpacklo_epi16(row0, row1));
    store256(to + 16, _mm256_unpackhi_epi16(row0, row1));
  }
  // A product of two 8-bit numbers is at most 2^14 in magnitude, that of an attention weight and a value 2^22, so sums
  // of two are far from 32 bits.
  static Vec dot(Vec sum, Vec input, Vec weights) { return _mm256_add_epi32(sum, _mm256_madd_epi16(input, weights)); }
};

static_assert(VectorKernelOperations<Vector>);

// The smallest library has no room for two products of linear maps.
#ifndef __OPTIMIZE_SIZE__

struct Avx2Bytes {};

// For linear maps alone: elements are bytes. 8 accumulators, 4 vectors of weights, 2 of inputs, the ones and a product:
// more than 4 rows would not fit.
struct ByteVector : avx256::Operations<Avx2Bytes, 4> {
  using Element = std::uint8_t; // inputs; weights are the same bits, read as signed
  using TileProduct = x86::FoldedProduct<ByteVector>;

  static constexpr int group = 4;
  static constexpr int code_bias = 128;
  static constexpr int attention_weight_bias = 0;
  static constexpr bool wide_attention_weights = false;
  static constexpr bool reads_codes = false;

  static void codes_to_elements(const std::int8_t *from, int count, Element *to, int padded) {
    int k = 0;
    for (; k + 32 <= count; k += 32)
      store256(to + k, _mm256_xor_si256(load256(from + k), set_bytes(code_bias))); // adds 128 to each byte
    for (; k < count; ++k)
      to[k] = static_cast<Element>(from[k] + code_bias);
    for (; k < padded; ++k)
      to[k] = 0;
  }
  static void store_elements(Element *to, Bytes value) { store256(to, value); }
  static void interleave(const std::int8_t *from, std::ptrdiff_t stride, Element *to) { interleave4(from, stride, to); }
};

using Linear = x86::LinearByEither<Vector, ByteVector>;

#endif

} // namespace

void use_avx2(KernelTable &table) {
  table.name = "avx2";
  use_vector_kernels<Vector>(table);
  table.peak_product = "vpmaddwd + vpaddd, 16 products of 16 bits; small weights take vpmaddubsw and may exceed it";
#ifndef __OPTIMIZE_SIZE__
  table.linear = Linear::kernel();
#endif
}

} // namespace intvit::kernels
