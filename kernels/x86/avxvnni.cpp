// The kernels for AVX2 with AVX-VNNI. Compiled with -mavx2 -mavxvnni.
#include "kernels/backends.hpp"
#include "kernels/vector/kernels.hpp"
#include "kernels/x86/avx256.hpp"

namespace intvit::kernels {

namespace {

struct AvxVnni {};

struct Vector : avx256::Operations<AvxVnni> {
  using Element = std::uint8_t; // inputs; weights are the same bits, read as signed

  static constexpr int group = 4;
  static constexpr int bias = 128;

  static Vec load_elements(const Element *from) { return _mm256_load_si256(reinterpret_cast<const Vec *>(from)); }
  // The low byte of every lane, as elements.
  static void store_elements(Element *to, Vec value) {
    const __m128i words = to_words(value);
    _mm_storel_epi64(reinterpret_cast<__m128i *>(to), _mm_packus_epi16(words, words));
  }
  static Vec broadcast(const Element *from) {
    std::int32_t four = 0;
    std::memcpy(&four, from, sizeof four);
    return _mm256_set1_epi32(four);
  }
  static Vec dot(Vec sum, Vec input, Vec weights) { return _mm256_dpbusd_avx_epi32(sum, input, weights); }
};

} // namespace

void use_avxvnni(KernelTable &table) {
  table.name = "avxvnni";
  use_vector_kernels<Vector>(table);
}

} // namespace intvit::kernels
