#include "engine/image/jpeg/upsample.hpp"

#include <algorithm>
#include <cstddef>

#include "engine/image/lanes.hpp"

namespace intvit {
namespace {

INTVIT_INLINE void expand_2x1(const std::uint8_t *__restrict row, int width, std::uint8_t *__restrict output) {
  // The first and last sample have no neighbour on one side and stay as they are.
  output[0] = row[0];
  output[2 * width - 1] = row[width - 1];
  // Odd samples have their neighbour on the right, even ones that of the sample after them on the left.
  for (int i = 0; i < width - 1; ++i) {
    output[2 * i + 1] = static_cast<std::uint8_t>((3 * row[i] + row[i + 1] + 2) >> 2);
    output[2 * i + 2] = static_cast<std::uint8_t>((3 * row[i + 1] + row[i] + 1) >> 2);
  }
}

INTVIT_INLINE void expand_2x2(const std::uint8_t *__restrict near, const std::uint8_t *__restrict far, int width,
                              std::uint16_t *__restrict sums, std::uint8_t *__restrict output) {
  for (int i = 0; i < width; ++i)
    sums[i + 1] = static_cast<std::uint16_t>(3 * near[i] + far[i]); // 1020 at most
  sums[0] = sums[1];
  sums[width + 1] = sums[width];
  for (std::ptrdiff_t i = 0; i < width; ++i) {
    const auto nearest = static_cast<std::uint16_t>(3 * sums[i + 1]);
    output[2 * i] = static_cast<std::uint8_t>(static_cast<std::uint16_t>(nearest + sums[i] + 8) >> 4);
    output[2 * i + 1] = static_cast<std::uint8_t>(static_cast<std::uint16_t>(nearest + sums[i + 2] + 7) >> 4);
  }
}

#if defined(__x86_64__)
INTVIT_AVX2_FUNCTION void expand_2x1_avx2(const std::uint8_t *row, int width, std::uint8_t *output) {
  expand_2x1(row, width, output);
}

INTVIT_AVX2_FUNCTION void expand_2x2_avx2(const std::uint8_t *near, const std::uint8_t *far, int width,
                                          std::uint16_t *sums, std::uint8_t *output) {
  expand_2x2(near, far, width, sums, output);
}
#endif

} // namespace

void upsample_2x1(const std::uint8_t *row, int width, std::uint8_t *output) {
#if defined(__x86_64__)
  if (lanes::has_avx2())
    return expand_2x1_avx2(row, width, output);
#endif
  expand_2x1(row, width, output);
}

void upsample_1x2(const std::uint8_t *__restrict near, const std::uint8_t *__restrict far, bool lower, int width,
                  std::uint8_t *__restrict output) {
  const int rounding = lower ? 2 : 1;
  for (int i = 0; i < width; ++i)
    output[i] = static_cast<std::uint8_t>((3 * near[i] + far[i] + rounding) >> 2);
}

void upsample_2x2(const std::uint8_t *near, const std::uint8_t *far, int width, std::uint16_t *sums,
                  std::uint8_t *output) {
#if defined(__x86_64__)
  if (lanes::has_avx2())
    return expand_2x2_avx2(near, far, width, sums, output);
#endif
  expand_2x2(near, far, width, sums, output);
}

void repeat_samples(const std::uint8_t *row, int times, int width, std::uint8_t *output) {
  for (int i = 0; i < width; ++i)
    output = std::fill_n(output, times, row[i]);
}

} // namespace intvit
