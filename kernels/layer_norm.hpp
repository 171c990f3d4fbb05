// LayerNorm on the residual stream's codes (docs/numerics.md, "PTF LayerNorm").
//
// With x = (q - zero_point) << alpha (or the 16-bit code itself), S = sum x and Q = sum x^2 over the C channels of a
// row,
//   (x - mean) / sqrt(variance + eps) = (C x - S) / sqrt(C Q - S^2 + E),   E = C^2 eps / scale^2:
// so a row takes integer sums, one square root and one division; then each channel takes one quotient and one
// requantization, which applies gamma, beta and the output's scale and zero point.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/range.hpp"
#include "kernels/requantize.hpp"
#include "kernels/residual.hpp"

namespace intvit::kernels {

// With C <= 2^14 and |x| < 2^15, |C x - S| < 2^30 fits 32 bits and C Q <= 2^58 fits 64.
inline constexpr int max_layer_norm_channels = 1 << 14;
// E <= 2^60, so that the square root's argument stays under 2^62.
inline constexpr std::int64_t max_layer_norm_epsilon = std::int64_t{1} << 60;

struct LayerNormArgs {
  StreamCodes input; // [rows, channels]
  int channels = 0;
  // Per channel, for int8 input only.
  const std::uint8_t *alpha = nullptr;
  const std::int8_t *zero_point = nullptr;
  bool centred = true;           // otherwise S is taken for 0: RMSNorm, x / sqrt(mean of x^2 + eps)
  std::int64_t epsilon = 0;      // E above
  Requantization requantization; // from the normalized value with 16 fraction bits
  void *output = nullptr;        // [rows, channels]
  ElementType output_type = ElementType::int8;
  std::ptrdiff_t output_stride = 0; // in elements
};

} // namespace intvit::kernels
