// The rate that a backend's dot product cannot exceed: as many independent sums as its tile has, from registers alone.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/inline.hpp"

namespace intvit::kernels::vector {

// Tells the compiler that the vector, which stays in its register, may have changed. So it can neither reuse a product
// in the next step nor use one product for several sums.
template <class Vec> INTVIT_INLINE void renew(Vec &value) {
#if defined(__x86_64__)
  __asm__ volatile("" : "+v"(value));
#elif defined(__aarch64__)
  __asm__ volatile("" : "+w"(value));
#else
  __asm__ volatile("" : "+m"(value));
#endif
}

// KernelTable::peak.
template <class V> struct Peak {
  static std::int64_t run(std::int64_t steps) {
    using Vec = typename V::Vec;
    // A tile's accumulators leave registers for both operands and hide the instruction's latency.
    constexpr int chains = V::tile_rows * V::tile_vectors;
    Vec sums[std::size_t{chains}];
#pragma GCC unroll 64
    for (int chain = 0; chain < chains; ++chain)
      sums[chain] = V::set(0);
    Vec input = V::set(0x01010101);
    Vec weights = V::set(0x01010101);
    for (std::int64_t step = 0; step < steps; ++step) {
#pragma GCC unroll 64
      for (int chain = 0; chain < chains; ++chain) {
        renew(input);
        sums[chain] = V::dot(sums[chain], input, weights);
      }
      renew(weights);
    }
#pragma GCC unroll 64
    for (int chain = 0; chain < chains; ++chain)
      renew(sums[chain]);
    return steps * chains * V::lanes * V::group;
  }
};

} // namespace intvit::kernels::vector
