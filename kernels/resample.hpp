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

#include "kernels/range.hpp"

namespace intvit::kernels {

inline constexpr int resample_weight_bits = 22;

// floor((2^31 - 1 - 2^21) / 255): 2.0058 in units of 2^22.
inline constexpr std::int32_t max_resample_weight_sum = 8'413'280;

// Which inputs one output is made of: input positions first .. first + count - 1, count >= 1.
struct ResampleWindow {
  std::int32_t first = 0;
  std::int32_t count = 0;
};

// Of either pass. Rows are interleaved RGB; strides of rows are in bytes. Output position i of the resampled axis uses
// windows[i] and the weights from weights[i * weight_stride] on, as many as the window counts.
//
// The horizontal pass makes an output row of the input row of the same number; windows count pixels of a row. The
// vertical pass makes an output row of the input rows in its window; input_width and output_width are equal.
struct ResampleArgs {
  const std::uint8_t *input = nullptr;
  std::ptrdiff_t input_stride = 0;
  int input_width = 0; // pixels of a row; any of them may be read, but no row outside the range and its windows
  const ResampleWindow *windows = nullptr;
  const std::int32_t *weights = nullptr;
  std::ptrdiff_t weight_stride = 0;
  std::uint8_t *output = nullptr;
  std::ptrdiff_t output_stride = 0;
  int output_width = 0; // pixels of a row
};

} // namespace intvit::kernels
