// Attention for AVX-512 with VNNI and VBMI, whose permutations of bytes look up 128 of them at once. Everything else is
// avx512vnni's. Compiled with -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni -mavx512vbmi.
#include "kernels/backends.hpp"
#include "kernels/vector/kernels.hpp"
#include "kernels/x86/avx512.hpp"
#include "kernels/x86/element_forms.hpp"

namespace intvit::kernels {

namespace {

struct Avx512Vbmi {};

struct Vector : x86::VnniElements<avx512::Operations<Avx512Vbmi>> {
  using Base = x86::VnniElements<avx512::Operations<Avx512Vbmi>>;
  static Vec dot(Vec sum, Vec input, Vec weights) { return _mm512_dpbusd_epi32(sum, input, weights); }

  static constexpr bool looks_up_weights = true;
  using Base::look_up;
  static Bytes look_up(const ByteTable &table, Bytes index) {
    // A permutation takes the lower 7 bits of an index.
    const Bytes low = _mm512_permutex2var_epi8(table.quarters[0], index, table.quarters[1]);
    const Bytes high = _mm512_permutex2var_epi8(table.quarters[2], index, table.quarters[3]);
    return _mm512_mask_blend_epi8(_mm512_movepi8_mask(index), low, high);
  }
};

static_assert(VectorKernelOperations<Vector>);

} // namespace

void use_avx512vbmi(KernelTable &table) {
  table.name = "avx512vbmi";
  use_vector_attention<Vector>(table);
}

} // namespace intvit::kernels
