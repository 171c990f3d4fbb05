// The kernels for AVX2 with AVX-VNNI. Compiled with -mavx2 -mavxvnni.
#include "kernels/backends.hpp"
#include "kernels/vector/linear_tile.hpp"
#include "kernels/x86/avx256.hpp"

namespace intvit::kernels {

namespace {

struct AvxVnni {};

struct Vector : avx256::Operations<AvxVnni> {
  using Element = std::uint8_t; // inputs; weights are the same bits, read as signed

  static constexpr int group = 4;
  static constexpr int bias = 128;

  static Vec load_elements(const Element *from) { return _mm256_load_si256(reinterpret_cast<const Vec *>(from)); }
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
  table.linear = linear_kernel<vector::LinearTile<Vector>, Vector>();
}

} // namespace intvit::kernels
