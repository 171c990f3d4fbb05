// Matrix product of 8-bit codes with fused epilogues (docs/numerics.md, "Linear").
//
// accumulator[m][n] = sum over k of input[m][k] * weight[n][k], in 32 bits. The input's zero point is not subtracted:
// the quantizer folds -zero_point * sum(weight) into the offset. The loader proves for every channel that 128 * sum
// |weight| < 2^31, so that no order of summation overflows.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/range.hpp"
#include "kernels/requantize.hpp"
#include "kernels/residual.hpp"
#include "kernels/stlq.hpp"

namespace intvit::kernels {

// What the weights are, in a file and in memory.
enum class WeightFormat : std::uint8_t {
  int8,
  stlq, // StlqMatrix; the products are those of its decoded weights
};

// What happens to an accumulator; a closed set.
enum class Epilogue : std::uint8_t {
  requantize,   // clamp to 8-bit codes
  requantize16, // clamp to 16-bit codes
  gelu,         // requantize to 16 bits, GELU, 8-bit codes
  residual,     // add to the residual stream, clamp to its codes
  logits,       // requantize to 32 bits, no clamp
};
inline constexpr std::size_t epilogue_count = 5;

struct GeluParameters {
  int fraction_bits = 0;
  const std::int16_t *multiplier = nullptr; // [out_features]
  const std::int8_t *zero_point = nullptr;  // [out_features]
};

struct ResidualParameters {
  ResidualCodes stream;                     // [rows, out_features]
  const std::int32_t *multiplier = nullptr; // [out_features]
  int shift = 0;
};

struct LinearArgs {
  const std::int8_t *input = nullptr;              // [rows, in_features]
  std::ptrdiff_t input_stride = 0;                 // in elements
  const std::byte *packed = nullptr;               // weights and requantization as the kernel's packer laid them out
  WeightFormat weight_format = WeightFormat::int8; // of `packed`
  int in_features = 0;
  int out_features = 0;

  Epilogue epilogue = Epilogue::requantize;
  int shift = min_shift;       // of the requantization
  GeluParameters gelu;         // for Epilogue::gelu
  ResidualParameters residual; // for Epilogue::residual

  void *output = nullptr;                      // [rows, out_features]
  ElementType output_type = ElementType::int8; // for Epilogue::residual
  std::ptrdiff_t output_stride = 0;            // in elements

  std::byte *scratch = nullptr; // LinearKernel::scratch_bytes() bytes, each thread its own
};

} // namespace intvit::kernels
