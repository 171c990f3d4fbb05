// Constants of requantizations, as a model file holds them, and what they must do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/element_type.hpp"
#include "kernels/requantize.hpp"
#include "tests/kernels/exact.hpp"
#include "tests/kernels/random.hpp"

namespace intvit::test {

struct Constants {
  std::vector<std::int32_t> multiplier;
  std::vector<std::int64_t> offset;
  int shift = 0;

  kernels::Requantization view() const { return {multiplier.data(), offset.data(), shift}; }

  // floor((accumulator * multiplier + addend + offset) / 2^shift) of channel c.
  Int128 exact(Int128 accumulator, std::size_t c, Int128 addend = 0) const;
};

// y = value * factor[c] + addend[c], rounded to nearest. Every |factor| < 1/2.
Constants constants_for(const std::vector<double> &factor, const std::vector<double> &addend);

// Results spread to some `spread` codes on both sides for values in -bound .. bound, all shifts and both signs, within
// bound * |multiplier| + |offset| < 2^63. bound in 1 .. 2^31, spread below 2^30.
Constants random_constants(Random &random, std::size_t channels, std::int64_t bound, std::int64_t spread = 300);

// Multipliers of what is added to such results, of values in -stream_bound .. stream_bound: it reaches some 300 codes,
// or as far as the sum in 64 bits has room beside values in -bound .. bound.
std::vector<std::int32_t> residual_multipliers(Random &random, const Constants &constants, std::int64_t bound,
                                               std::int64_t stream_bound);

// A spread that goes a little beyond a type's codes; of int32, which are not clamped, some 20 bits.
std::int64_t spread_beyond(kernels::ElementType type);

// What is stored of a result.
std::int64_t stored(Int128 result, kernels::ElementType type);

// Codes as they lie in memory, as numbers.
std::vector<std::int64_t> read_codes(const std::vector<std::byte> &bytes, kernels::ElementType type);

} // namespace intvit::test
