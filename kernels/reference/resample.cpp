// kernels/resample.hpp, output pixel by output pixel. `scalar` uses these loops as well: compilers vectorize them.
#include <algorithm>

#include "kernels/reference/reference.hpp"

namespace intvit::kernels::reference {
namespace {

// Sums start at one half of an output unit, so that the shift rounds to nearest, ties upward.
constexpr std::int32_t half = std::int32_t{1} << (resample_weight_bits - 1);

// The shift of a negative sum rounds down, as everywhere in C++20.
std::uint8_t to_byte(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> resample_weight_bits, 0, 255));
}

} // namespace

void resample_horizontal(const ResampleArgs &args, Range rows) {
  for (std::ptrdiff_t y = rows.begin; y < rows.end; ++y) {
    std::uint8_t *output = args.output + y * args.output_stride;
    for (std::ptrdiff_t x = 0; x < args.output_width; ++x, output += 3) {
      const ResampleWindow window = args.windows[x];
      const std::uint8_t *pixel = args.input + y * args.input_stride + std::ptrdiff_t{window.first} * 3;
      const std::int32_t *weight = args.weights + x * args.weight_stride;
      std::int32_t red = half;
      std::int32_t green = half;
      std::int32_t blue = half;
      for (std::ptrdiff_t i = 0; i < window.count; ++i) {
        red += weight[i] * pixel[3 * i];
        green += weight[i] * pixel[3 * i + 1];
        blue += weight[i] * pixel[3 * i + 2];
      }
      output[0] = to_byte(red);
      output[1] = to_byte(green);
      output[2] = to_byte(blue);
    }
  }
}

void resample_vertical(const ResampleArgs &args, Range rows) {
  // A block of columns at a time, so that each input row is read in order while the sums stay in registers or L1.
  constexpr std::ptrdiff_t block = 64;
  std::int32_t sums[block];
  const std::ptrdiff_t bytes = std::ptrdiff_t{args.output_width} * 3;
  for (std::ptrdiff_t y = rows.begin; y < rows.end; ++y) {
    const ResampleWindow window = args.windows[y];
    const std::int32_t *weight = args.weights + y * args.weight_stride;
    for (std::ptrdiff_t begin = 0; begin < bytes; begin += block) {
      const std::ptrdiff_t width = std::min(block, bytes - begin);
      std::fill_n(sums, width, half);
      for (std::ptrdiff_t i = 0; i < window.count; ++i) {
        const std::uint8_t *row = args.input + (window.first + i) * args.input_stride + begin;
        for (std::ptrdiff_t x = 0; x < width; ++x)
          sums[x] += weight[i] * row[x];
      }
      std::uint8_t *output = args.output + y * args.output_stride + begin;
      for (std::ptrdiff_t x = 0; x < width; ++x)
        output[x] = to_byte(sums[x]);
    }
  }
}

} // namespace intvit::kernels::reference
