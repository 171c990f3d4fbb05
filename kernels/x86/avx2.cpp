// The kernels for AVX2. Compiled with -mavx2.
#include "kernels/backends.hpp"
#include "kernels/vector/kernels.hpp"
#include "kernels/x86/avx256.hpp"

namespace intvit::kernels {

namespace {

struct Avx2 {};

struct Vector : avx256::Operations<Avx2> {
  using Element = std::int16_t;

  static constexpr int group = 2;
  static constexpr int bias = 0;

  static Vec load_elements(const Element *from) { return _mm256_load_si256(reinterpret_cast<const Vec *>(from)); }
  // The low byte of every lane, as elements.
  static void store_elements(Element *to, Vec value) {
    _mm_store_si128(reinterpret_cast<__m128i *>(to), to_words(value));
  }
  static Vec broadcast(const Element *from) {
    std::int32_t two = 0;
    std::memcpy(&two, from, sizeof two);
    return _mm256_set1_epi32(two);
  }
  // Two products of 8-bit numbers stay under 2^15, so this is exact.
  static Vec dot(Vec sum, Vec input, Vec weights) { return _mm256_add_epi32(sum, _mm256_madd_epi16(input, weights)); }
};

} // namespace

void use_avx2(KernelTable &table) {
  table.name = "avx2";
  use_vector_kernels<Vector>(table);
}

} // namespace intvit::kernels
