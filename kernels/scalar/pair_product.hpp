// The product of scalar's tiles on processors that add up products of pairs: x86-64's baseline (pmaddwd) and
// WebAssembly's vectors. Compilers find neither by themselves in plain C++.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__wasm_simd128__)
#include <wasm_simd128.h>
#endif

#include "kernels/inline.hpp"
#include "kernels/vector/tile_product.hpp"

#if defined(__SSE2__) || defined(__wasm_simd128__)
#define INTVIT_PAIR_PRODUCT 1

namespace intvit::kernels::scalar {

// V: Operations with two inputs a step. Sums are in vectors here, and in V's arrays when they are handed on.
template <class V> struct PairProduct : vector::DotProduct<V> {
  using Element = typename V::Element;
  using Input = typename vector::RowsInPlace<V>::Input;

  template <int vectors, int tall = V::tile_rows> class Sums {
  public:
    INTVIT_INLINE explicit Sums(const std::int32_t *start) {
#pragma GCC unroll 8
      for (int v = 0; v < vectors; ++v) {
        const auto first = load<Lanes>(start + std::ptrdiff_t{v} * V::lanes);
#pragma GCC unroll 16
        for (int r = 0; r < tall; ++r)
          sums_[r][v] = first;
      }
    }

    template <vector::Inputs inputs>
    INTVIT_INLINE void add(const Input &input, const Element *panel, const std::byte * /*notes*/, int steps,
                           vector::Ahead *ahead) {
      const Element *rows[std::size_t{tall}];
#pragma GCC unroll 16
      for (int r = 0; r < tall; ++r)
        rows[r] = input.rows[r];
      for (std::ptrdiff_t k = 0; k < std::ptrdiff_t{steps} * 2; k += 2) {
        Pairs weights[std::size_t{vectors}];
#pragma GCC unroll 8
        for (int v = 0; v < vectors; ++v)
          weights[v] = load<Pairs>(panel + (k * vectors + std::ptrdiff_t{v} * 2) * V::lanes);
#pragma GCC unroll 16
        for (int r = 0; r < tall; ++r) {
          std::int32_t pair = 0;
          std::memcpy(&pair, rows[r] + k, sizeof pair);
          const auto both = Pairs(Lanes{} + pair);
#pragma GCC unroll 8
          for (int v = 0; v < vectors; ++v)
            sums_[r][v] += multiply_pairs(both, weights[v]);
        }
      }
      if (ahead != nullptr)
        ahead->at += steps * ahead->step;
    }

    INTVIT_INLINE typename V::Vec (&row(int r))[std::size_t{vectors}] {
      std::memcpy(row_, sums_[r], sizeof row_);
      return row_;
    }

  private:
    using Lanes = std::int32_t __attribute__((vector_size(16)));
    using Pairs = std::int16_t __attribute__((vector_size(16)));

    template <class Vector> INTVIT_INLINE static Vector load(const void *from) {
      Vector vector;
      std::memcpy(&vector, from, sizeof vector);
      return vector;
    }
    // The sums of the products of pairs: those of codes, and of attention weights up to 255, are far from 32 bits.
    INTVIT_INLINE static Lanes multiply_pairs(Pairs a, Pairs b) {
#if defined(__SSE2__)
      return Lanes(_mm_madd_epi16(__m128i(a), __m128i(b)));
#else
      return Lanes(wasm_i32x4_dot_i16x8(v128_t(a), v128_t(b)));
#endif
    }

    Lanes sums_[std::size_t{tall}][std::size_t{vectors}];
    typename V::Vec row_[std::size_t{vectors}];
  };
};

} // namespace intvit::kernels::scalar
#endif
