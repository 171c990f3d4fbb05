#include "kernels/reference/resample.hpp"

#include <algorithm>
#include <array>

namespace intvit::kernels::reference {
namespace {

constexpr std::int32_t half = std::int32_t{1} << (resample_weight_bits - 1);

// The shift of a negative sum rounds down, as everywhere in C++20.
std::uint8_t to_byte(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> resample_weight_bits, 0, 255));
}

} // namespace

void resample_row(const std::uint8_t *source, const ResampleWindow *windows, const std::int32_t *weights,
                  std::size_t stride, std::size_t output_pixels, std::uint8_t *output) {
  for (std::size_t x = 0; x < output_pixels; ++x) {
    const auto count = static_cast<std::size_t>(windows[x].count);
    const std::uint8_t *pixel = source + static_cast<std::size_t>(windows[x].first) * 3;
    const std::int32_t *weight = weights + x * stride;
    std::int32_t red = half;
    std::int32_t green = half;
    std::int32_t blue = half;
    for (std::size_t i = 0; i < count; ++i) {
      red += weight[i] * pixel[3 * i];
      green += weight[i] * pixel[3 * i + 1];
      blue += weight[i] * pixel[3 * i + 2];
    }
    output[3 * x] = to_byte(red);
    output[3 * x + 1] = to_byte(green);
    output[3 * x + 2] = to_byte(blue);
  }
}

void resample_column(const std::uint8_t *source, std::size_t source_stride, const std::int32_t *weights,
                     std::size_t count, std::size_t bytes, std::uint8_t *output) {
  // A block of columns at a time, so that each source row is read in order while the sums stay in registers or L1.
  constexpr std::size_t block = 64;
  std::array<std::int32_t, block> sums;
  for (std::size_t begin = 0; begin < bytes; begin += block) {
    const std::size_t width = std::min(block, bytes - begin);
    sums.fill(half);
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint8_t *row = source + i * source_stride + begin;
      for (std::size_t x = 0; x < width; ++x)
        sums[x] += weights[i] * row[x];
    }
    for (std::size_t x = 0; x < width; ++x)
      output[begin + x] = to_byte(sums[x]);
  }
}

} // namespace intvit::kernels::reference
