// The two passes of an 8-bit image resize: each output byte is a weighted sum of input bytes of its own channel.
//
//   output = clamp((2^21 + sum_i weight_i * input_i) >> 22, 0, 255)
//
// Weights have 22 fractional bits (2^22 is 1) and may be negative. Nothing overflows int32: the weights of one output
// must have a positive part that sums to at most max_resample_weight_sum and a negative part that sums to at least
// -max_resample_weight_sum, so that every partial sum, in any order, lies within +-255 * max_resample_weight_sum +
// 2^21. This is Pillow's arithmetic (libImaging/Resample.c, 8 bits a channel).
#pragma once

#include <cstddef>
#include <cstdint>

namespace intvit::kernels {

inline constexpr int resample_weight_bits = 22;

// floor((2^31 - 1 - 2^21) / 255): 2.0058 in units of 2^22.
inline constexpr std::int32_t max_resample_weight_sum = 8'413'280;

// Which inputs one output is made of: input positions first .. first + count - 1, count >= 1.
struct ResampleWindow {
  std::int32_t first = 0;
  std::int32_t count = 0;
};

namespace reference {

// One row of RGB pixels, horizontally. Output pixel x uses windows[x] (in pixels) and the weights from
// weights[x * stride] on. Reads nothing outside the windows.
void resample_row(const std::uint8_t *source, const ResampleWindow *windows, const std::int32_t *weights,
                  std::size_t stride, std::size_t output_pixels, std::uint8_t *output);

// One output row of `bytes` bytes from `count` consecutive source rows, `source_stride` bytes apart, weighted by
// weights[0] .. weights[count - 1]. Reads `bytes` bytes of each.
void resample_column(const std::uint8_t *source, std::size_t source_stride, const std::int32_t *weights,
                     std::size_t count, std::size_t bytes, std::uint8_t *output);

} // namespace reference
} // namespace intvit::kernels
