// The kernels for AVX2 with AVX-VNNI, whose dot product takes unsigned inputs and signed weights. Compiled with -mavx2
// -mavxvnni.
#include "kernels/backends.hpp"
#include "kernels/vector/kernels.hpp"
#include "kernels/x86/avx256.hpp"
#include "kernels/x86/element_forms.hpp"

namespace intvit::kernels {

namespace {

struct AvxVnni {};

struct Vector : x86::VnniElements<avx256::Operations<AvxVnni>> {
  static Vec dot(Vec sum, Vec input, Vec weights) { return _mm256_dpbusd_avx_epi32(sum, input, weights); }
};

static_assert(VectorKernelOperations<Vector>);

} // namespace

void use_avxvnni(KernelTable &table) {
  table.name = "avxvnni";
  use_vector_kernels<Vector>(table);
  table.peak_product = "vpdpbusd, 32 products of 8 bits";
}

} // namespace intvit::kernels
