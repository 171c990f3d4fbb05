// The kernels for AVX2. Compiled with -mavx2.
//
// AVX2's product of bytes, vpmaddubsw, saturates sums of two products at 16 bits and would give wrong results. So
// elements are widened to 16 bits, which vpmaddwd multiplies and adds exactly. Linear maps whose weights are small take
// the product of bytes all the same: folded_product.hpp proves of each step that nothing saturates.
#include "kernels/backends.hpp"
#include "kernels/vector/kernels.hpp"
#include "kernels/x86/avx256.hpp"
#include "kernels/x86/element_forms.hpp"
#ifndef __OPTIMIZE_SIZE__
#include "kernels/x86/either_product.hpp"
#endif

namespace intvit::kernels {

namespace {

struct Avx2 {};

using Vector = x86::WideElements<avx256::Operations<Avx2>>;

static_assert(VectorKernelOperations<Vector>);

// The smallest library has no room for two products of linear maps.
#ifndef __OPTIMIZE_SIZE__

struct Avx2Bytes {};

// For linear maps alone: elements are bytes. 8 accumulators, 4 vectors of weights, 2 of inputs, the ones and a product:
// more than 4 rows would not fit.
struct ByteVector : x86::FoldedElements<avx256::Operations<Avx2Bytes, 4>> {
  using TileProduct = x86::FoldedProduct<ByteVector>;
};

using Linear = x86::LinearByEither<Vector, ByteVector>;

#endif

} // namespace

void use_avx2(KernelTable &table) {
  table.name = "avx2";
  use_vector_kernels<Vector>(table);
  table.peak_product = "vpmaddwd + vpaddd, 16 products of 16 bits; small weights take vpmaddubsw and may exceed it";
#ifndef __OPTIMIZE_SIZE__
  table.linear = Linear::kernel();
#endif
}

} // namespace intvit::kernels
