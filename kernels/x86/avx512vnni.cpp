// The kernels for AVX-512 with VNNI, whose dot product takes unsigned inputs and signed weights. Compiled with
// -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni.
#include "kernels/backends.hpp"
#include "kernels/vector/kernels.hpp"
#include "kernels/x86/avx512.hpp"

namespace intvit::kernels {

namespace {

struct Avx512Vnni {};

struct Vector : avx512::Operations<Avx512Vnni> {
  using Element = std::uint8_t; // inputs; weights are the same bits, read as signed

  static constexpr int group = 4;
  static constexpr int code_bias = 128;
  static constexpr int attention_weight_bias = 0;
  static constexpr bool wide_attention_weights = false;
  static constexpr bool reads_codes = true;

  static Vec load_elements(const Element *from) { return _mm512_load_si512(from); }
  static Vec broadcast_attention_weights(const Element *from) { return broadcast4(from); }
  static Vec broadcast_codes(const Element *from) {
    return _mm512_xor_si512(broadcast4(from), set_elements(code_bias)); // adds 128 to each byte
  }
  static Vec set_elements(int value) { return set_bytes(static_cast<std::uint8_t>(value)); }
  static void codes_to_elements(const std::int8_t *from, int count, Element *to, int padded) {
    std::memcpy(to, from, static_cast<std::size_t>(count));
    std::memset(to + count, 0, static_cast<std::size_t>(padded - count));
  }
  static void store_attention_weights(Element *to, Bytes value) { _mm512_store_si512(to, value); }
  static void store_elements(Element *to, Bytes value) { _mm512_store_si512(to, value); }
  static void interleave(const std::int8_t *from, std::ptrdiff_t stride, Element *to) { interleave4(from, stride, to); }
  static Vec dot(Vec sum, Vec input, Vec weights) { return _mm512_dpbusd_epi32(sum, input, weights); }
};

static_assert(VectorKernelOperations<Vector>);

} // namespace

void use_avx512vnni(KernelTable &table) {
  table.name = "avx512vnni";
  use_vector_kernels<Vector>(table);
  table.peak_product = "vpdpbusd, 64 products of 8 bits";
}

} // namespace intvit::kernels
