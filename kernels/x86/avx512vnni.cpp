// The kernels for AVX-512 with VNNI. Compiled with -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni.
#include "kernels/backends.hpp"
#include "kernels/vector/kernels.hpp"
#include "kernels/x86/avx512.hpp"

namespace intvit::kernels {

namespace {

struct Avx512Vnni {};

using Vector = avx512vnni::Operations<Avx512Vnni>;

static_assert(VectorKernelOperations<Vector>);

} // namespace

void use_avx512vnni(KernelTable &table) {
  table.name = "avx512vnni";
  use_vector_kernels<Vector>(table);
  table.peak_product = "vpdpbusd, 64 products of 8 bits";
}

} // namespace intvit::kernels
