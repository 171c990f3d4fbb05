// The tiled kernels in plain C++: the packing, tiling and fused attention of kernels/vector with arrays for vectors.
// They are the default on processors for which no other set was built, and on every machine they test the shared code
// without any instruction set. Compiled with the baseline's flags, within which the compiler may vectorize; where the
// baseline adds up products of pairs, that is said to it (pair_product.hpp).
#include <cstddef>
#include <cstdint>

#include "kernels/backends.hpp"
#include "kernels/scalar/pair_product.hpp"
#include "kernels/scalar/scalar.hpp"
#include "kernels/vector/kernels.hpp"

namespace intvit::kernels {

namespace {

struct Scalar {};

#if defined(INTVIT_PAIR_PRODUCT)
// 12 sums, 2 vectors of weights, an input and a product take 16 registers.
struct Vector : scalar::Operations<Scalar, 6, 2> {
  using TileProduct = scalar::PairProduct<Vector>;
};
#elif defined(__ARM_NEON)
using Vector = scalar::Operations<Scalar, 6, 1>; // whose multiplications the compiler widens in vectors
#elif defined(__riscv)
using Vector = scalar::Operations<Scalar, 2, 1>; // 16 sums in 31 registers
#else
using Vector = scalar::Operations<Scalar, 1, 1>;
#endif

static_assert(VectorKernelOperations<Vector>);

// KernelTable::peak. There is no product instruction to repeat, so this is the tile's own loop on operands that stay in
// the first cache.
struct Peak {
  using Product = vector::TileProduct<Vector>;

  static std::int64_t run(std::int64_t steps) {
    constexpr int length = 128;
    static constexpr Vector::Element input[std::size_t{length} * Vector::group] = {};
    static constexpr Vector::Element panel[std::size_t{length} * Vector::size * Vector::vectors * Vector::group] = {};
    Product::Input rows;
    for (const Vector::Element *&row : rows.rows)
      row = input;
    static constexpr std::int32_t start[Vector::size * Vector::vectors] = {};
    Product::Sums<Vector::tile_vectors> sums(start);
    for (std::int64_t step = 0; step < steps; ++step) {
      const Vector::Element *at = panel;
      __asm__ volatile("" : "+r"(at) : : "memory"); // so that no step can be left out
      sums.add<vector::Inputs::codes>(rows, at, nullptr, length, nullptr);
      __asm__ volatile("" : "+m"(sums));
    }
    return steps * length * Vector::group * Vector::tile_rows * Vector::tile_vectors * Vector::lanes;
  }
};

} // namespace

void use_scalar(KernelTable &table) {
  table.name = "scalar";
  const ResampleKernel resample = table.resample; // plain loops over pixels are faster than arrays of lanes
  use_vector_kernels<Vector, Peak>(table);
  table.peak_product = "the compiler's multiplications of 16 bits";
  table.resample = resample;
}

} // namespace intvit::kernels
