// The kernels for AVX-512 without VNNI, for server processors before 2019. Compiled with -mavx512f -mavx512bw
// -mavx512dq -mavx512vl.
//
// As in avx2.cpp, elements are widened to 16 bits, and linear maps whose weights are small take the product of bytes.
#include "kernels/x86/avx512.hpp"
#include "kernels/backends.hpp"
#include "kernels/vector/kernels.hpp"
#include "kernels/x86/element_forms.hpp"
#ifndef __OPTIMIZE_SIZE__
#include "kernels/x86/either_product.hpp"
#endif

namespace intvit::kernels {

namespace {

struct Avx512 {};

using Vector = x86::WideElements<avx512::Operations<Avx512>>;

static_assert(VectorKernelOperations<Vector>);

// The smallest library has no room for two products of linear maps.
#ifndef __OPTIMIZE_SIZE__

struct Avx512Bytes {};

// For linear maps alone: elements are bytes. 24 accumulators, 2 vectors of inputs, the ones and 2 products, and weights
// out of memory.
struct ByteVector : x86::FoldedElements<avx512::Operations<Avx512Bytes>> {
  using TileProduct = x86::FoldedProduct<ByteVector>;
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
