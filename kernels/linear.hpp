// Matrix product of 8-bit codes with fused epilogues (docs/numerics.md, "Linear").
//
//   accumulator[m][n] = sum over k of input[m][k] * weight[n][k]       int8 times int8, in 32 bits
//   output[m][n]      = epilogue(accumulator[m][n])
//
// A fused epilogue turns an accumulator into what the next operation reads while it is still in a register.
//
// The input's zero point is not subtracted here: the quantizer has folded -zero_point * sum(weight) into the offset.
// The loader proves 128 * sum_k |weight[n][k]| < 2^31 for every output n. As |input| <= 128, no accumulator overflows,
// in whatever order products are added.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/gelu.hpp"
#include "kernels/range.hpp"
#include "kernels/requantize.hpp"
#include "kernels/residual.hpp"
#include "kernels/weights.hpp"

namespace intvit::kernels {

// What happens to accumulators; a closed set, because every one is fused into every instruction set's kernel.
enum class Epilogue : std::uint8_t {
  requantize,   // clamp to 8-bit codes
  requantize16, // clamp to 16-bit codes
  gelu,         // requantize to 16 bits, GELU, 8-bit codes
  residual,     // add to the residual stream, clamp to its codes
  logits,       // requantize to 32 bits, no clamp
};
inline constexpr std::size_t epilogue_count = 5;

// Constants of an output's gelu_code() (kernels/gelu.hpp).
struct GeluParameters {
  int fraction_bits = 0;                    // of its input, which is the requantization to 16 bits, and of its result
  const std::int16_t *multiplier = nullptr; // [out_features]
  const std::int8_t *zero_point = nullptr;  // [out_features]
  GeluFunction function = GeluFunction::gelu;
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

  std::byte *scratch = nullptr; // PackedFormat::scratch_bytes() bytes, each thread its own
};

} // namespace intvit::kernels
