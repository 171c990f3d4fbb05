// The weights of a resize along one axis.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "kernels/resample.hpp"

namespace intvit {

enum class ResizeFilter : std::uint8_t {
  box,      // mean of the area; support 1/2
  bilinear, // triangle; support 1
  bicubic,  // Catmull-Rom (a = -1/2); support 2
  lanczos,  // sinc windowed by its main lobe; support 3
};

// Which pass of a resize comes first. The picture between them has 8 bits, so that the order changes some bytes.
enum class PassOrder : std::uint8_t {
  rows,     // each row to the new width, then each column to the new height: Pillow up to 12.1
  pillow13, // columns first where Pillow 13.0 does so (columns_first())
};

// "box", "bilinear", "bicubic", "lanczos".
std::string_view name(ResizeFilter filter);
std::optional<ResizeFilter> resize_filter(std::string_view name);

// The weights of a run of output positions on an axis. The i-th of them reads the inputs of windows[i] with the weights
// weights[i * stride] .. weights[i * stride + windows[i].count - 1].
struct ResampleTable {
  std::size_t stride = 0; // the largest count
  std::vector<kernels::ResampleWindow> windows;
  std::vector<std::int32_t> weights; // 22 fractional bits; 0 after the last of a window
};

// The table for resizing `input_size` positions to `output_size`, for the `count` output positions from `first` on.
// Requires sizes in 1 .. max_image_side, 0 <= first, 1 <= count, first + count <= output_size.
//
// In units of input positions the centre of output i is c = (i + 1/2) * input_size / output_size. The filter is
// stretched by s = max(1, input_size / output_size): input j weighs filter((j + 1/2 - c) / s), for j + 1/2 within
// support * s of c. Each weight is divided by the sum of all and rounded to 22 fractional bits, halves away from zero.
// Every step is rounded to binary64 as in Pillow (libImaging/Resample.c), so that the weights are Pillow's.
ResampleTable resample_table(int input_size, int output_size, ResizeFilter filter, int first, int count);

} // namespace intvit
