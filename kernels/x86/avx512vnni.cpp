// The kernels for AVX-512 with VNNI, whose dot product takes unsigned inputs and signed weights. Compiled with
// -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni.
#include "kernels/backends.hpp"
#include "kernels/vector/kernels.hpp"
#include "kernels/x86/avx512.hpp"
#include "kernels/x86/element_forms.hpp"

namespace intvit::kernels {

namespace {

struct Avx512Vnni {};

struct Vector : x86::VnniElements<avx512::Operations<Avx512Vnni>> {
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
