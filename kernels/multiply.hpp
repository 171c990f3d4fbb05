// Products of two values, element by element: what a gate lets pass (docs/numerics.md, "Product").
//
// output[row][c] = requantize((a[row][c] - zero_a[c]) * (b[row][c] - zero_b[c])).
//
// A difference is at most 255 on either side, so that |product| <= 255^2 < 2^16.
#pragma once

#include <cstdint>

#include "kernels/element_type.hpp"
#include "kernels/range.hpp"
#include "kernels/requantize.hpp"

namespace intvit::kernels {

inline constexpr std::int32_t max_product = 255 * 255;

// A value of int8 codes.
struct Factor {
  const std::int8_t *codes = nullptr;      // [rows, channels], dense
  const std::int8_t *zero_point = nullptr; // [channels]
};

struct MultiplyArgs {
  Factor a;
  Factor b;
  int channels = 0;
  Requantization requantization;               // of the product
  void *output = nullptr;                      // [rows, channels], dense; overlaps neither factor
  ElementType output_type = ElementType::int8; // or int16
};

} // namespace intvit::kernels
