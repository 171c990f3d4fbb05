// The residual stream between blocks, and the addition of a branch to it (docs/numerics.md, "Residual addition").
//
// Two forms. ptf8: 8-bit codes q with a zero point and a power-of-two factor per channel (FQ-ViT's Power-of-Two Factor,
// arXiv 2111.13824, with a zero point per channel): value = scale * (q - zero_point) * 2^alpha. int16: 16-bit codes
// with one scale: value = scale * q.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/element_type.hpp"
#include "kernels/inline.hpp"
#include "kernels/requantize.hpp"

namespace intvit::kernels {

// The largest alpha: (q - zero_point) << 7 is at most 255 * 128 = 32640 and fits 16 bits.
inline constexpr int max_ptf_alpha = 7;

// A row-major matrix of residual codes; `stride` in elements.
struct StreamCodes {
  const void *data = nullptr;
  ElementType type = ElementType::int8; // or int16
  std::ptrdiff_t stride = 0;
};

// The stream that something is added to and the constants of add_requantize() that are the stream's.
struct ResidualParameters {
  StreamCodes stream;                       // [rows, channels of the output]
  const std::int32_t *multiplier = nullptr; // [channels]
  int shift = 0;                            // 0..max_residual_shift(stream.type)
};

INTVIT_INLINE constexpr int max_residual_shift(ElementType type) {
  return type == ElementType::int8 ? 23 : 15; // so that |code| << shift is at most 2^30
}

// Adds a branch's accumulator to the stream's code. Each is brought to units of 2^-shift of an output code, they are
// added in 64 bits, and the sum is rounded once:
//   floor((accumulator * multiplier + (code << residual_shift) * residual_multiplier + offset) / 2^shift)
// The stream's zero point, the branch's bias and the rounding constant are part of the offset. Requires that the
// magnitudes of the three summands add up to less than 2^63 (proven at load).
INTVIT_INLINE constexpr std::int32_t add_requantize(std::int32_t accumulator, std::int32_t multiplier,
                                                    std::int32_t code, int residual_shift,
                                                    std::int32_t residual_multiplier, std::int64_t offset, int shift) {
  const std::int64_t branch = std::int64_t{accumulator} * multiplier;
  const std::int64_t stream = std::int64_t{code << residual_shift} * residual_multiplier;
  return static_cast<std::int32_t>((branch + stream + offset) >> shift);
}

} // namespace intvit::kernels
