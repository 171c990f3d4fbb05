// The kernels for AVX-512 without VNNI, for server processors before 2019. Compiled with -mavx512f -mavx512bw
// -mavx512dq -mavx512vl.
//
// As in avx2.cpp, elements are widened to 16 bits, and linear maps whose weights are small take the product of bytes.
#include "kernels/x86/avx512.hpp"
#include "kernels/backends.hpp"
#include "kernels/vector/kernels.hpp"
#ifndef __OPTIMIZE_SIZE__
#include "kernels/x86/either_product.hpp"
#endif

namespace intvit::kernels {

namespace {

struct Avx512 {};

struct Vector : avx512::Operations<Avx512> {
  using Element = std::int16_t;

  static constexpr int group = 2;
  static constexpr int code_bias = 0;
  static constexpr int attention_weight_bias = -32768;
  static constexpr bool wide_attention_weights = true;
  static constexpr bool reads_codes = false;

  static Vec load_elements(const Element *from) { return _mm512_load_si512(from); }
  static Vec broadcast_codes(const Element *from) {
    std::int32_t two = 0;
    std::memcpy(&two, from, sizeof two);
    return _mm512_set1_epi32(two);
  }
  static Vec broadcast_attention_weights(const Element *from) { return broadcast_codes(from); }
  static Vec set_elements(int value) { return _mm512_set1_epi16(static_cast<std::int16_t>(value)); }
  static void codes_to_elements(const std::int8_t *from, int count, Element *to, int padded) {
    int k = 0;
    for (; k + 32 <= count; k += 32)
      _mm512_storeu_si512(to + k, load16(from + k));
    for (; k < count; ++k)
      to[k] = from[k];
    for (; k < padded; ++k)
      to[k] = 0;
  }
  static void store_attention_weights(Element *to, Bytes high, Bytes low) {
    const __m512i signed_high = _mm512_xor_si512(high, set_bytes(0x80)); // subtracts 2^15
    const __m512i first = _mm512_unpacklo_epi8(low, signed_high);        // of the first eight of every quarter
    const __m512i last = _mm512_unpackhi_epi8(low, signed_high);
    _mm512_store_si512(to, _mm512_permutex2var_epi64(first, _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11), last));
    _mm512_store_si512(to + 32, _mm512_permutex2var_epi64(first, _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15), last));
  }
  static void store_elements(Element *to, Bytes value) {
    _mm512_store_si512(to, _mm512_cvtepi8_epi16(_mm512_castsi512_si256(value)));
    _mm512_store_si512(to + 32, _mm512_cvtepi8_epi16(_mm512_extracti64x4_epi64(value, 1)));
  }
  // 2 rows of 64 bytes to a panel's [columns][2].
  static void interleave(const std::int8_t *from, std::ptrdiff_t stride, Element *to) {
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
  // A product of two 8-bit numbers is at most 2^14 in magnitude, that of an attention weight and a value 2^22, so sums
  // of two are far from 32 bits.
  static Vec dot(Vec sum, Vec input, Vec weights) { return _mm512_add_epi32(sum, _mm512_madd_epi16(input, weights)); }
};

static_assert(VectorKernelOperations<Vector>);

// The smallest library has no room for two products of linear maps.
#ifndef __OPTIMIZE_SIZE__

struct Avx512Bytes {};

// For linear maps alone: elements are bytes. 24 accumulators, 2 vectors of inputs, the ones and 2 products, and weights
// out of memory.
struct ByteVector : avx512::Operations<Avx512Bytes> {
  using Element = std::uint8_t; // inputs; weights are the same bits, read as signed
  using TileProduct = x86::FoldedProduct<ByteVector>;

  static constexpr int group = 4;
  static constexpr int code_bias = 128;
  static constexpr int attention_weight_bias = 0;
  static constexpr bool wide_attention_weights = false;
  static constexpr bool reads_codes = false;

  static void codes_to_elements(const std::int8_t *from, int count, Element *to, int padded) {
    int k = 0;
    for (; k + 64 <= count; k += 64)
      store_bytes(to + k,
                  _mm512_xor_si512(_mm512_loadu_si512(from + k), set_bytes(code_bias))); // adds 128 to each byte
    for (; k < count; ++k)
      to[k] = static_cast<Element>(from[k] + code_bias);
    for (; k < padded; ++k)
      to[k] = 0;
  }
  static void store_elements(Element *to, Bytes value) { store_bytes(to, value); }
  static void interleave(const std::int8_t *from, std::ptrdiff_t stride, Element *to) { interleave4(from, stride, to); }
};

using Linear = x86::LinearByEither<Vector, ByteVector>;

#endif

} // namespace

void use_avx512(KernelTable &table) {
  table.name = "avx512";
  use_vector_kernels<Vector>(table);
  table.peak_product = "vpmaddwd + vpaddd, 32 products of 16 bits; small weights take vpmaddubsw and may exceed it";
#ifndef __OPTIMIZE_SIZE__
  table.linear = Linear::kernel();
#endif
}

} // namespace intvit::kernels
