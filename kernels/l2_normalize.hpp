// Rows brought to length 1 (docs/numerics.md, "L2 normalization").
//
// output[c] = requantize(x[c] / sqrt(sum over the row of x^2), with 16 fraction bits), x the row's int32 without the
// low bits that its largest number can spare.
#pragma once

#include <cstdint>

#include "kernels/element_type.hpp"
#include "kernels/range.hpp"
#include "kernels/requantize.hpp"

namespace intvit::kernels {

// With C <= 2^14 and |x| <= 2^23 the sum of squares is at most 2^60, and square roots are taken of less than 2^62.
inline constexpr int max_l2_channels = 1 << 14;
inline constexpr int l2_bits = 23;

struct L2NormalizeArgs {
  const std::int32_t *input = nullptr; // [rows, channels], dense
  int channels = 0;
  Requantization requantization; // from the normalized value with 16 fraction bits
  void *output = nullptr;        // [rows, channels], dense
  ElementType output_type = ElementType::int8;
};

} // namespace intvit::kernels
