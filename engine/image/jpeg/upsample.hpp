// Enlarges components that have fewer samples than the picture has pixels, one row at a time, as libjpeg does by
// default ("fancy upsampling": a new sample is 3/4 of the nearest sample plus 1/4 of the next one). docs/images.md has
// the formulas.
#pragma once

#include <cstdint>

namespace intvit {

// Twice as wide: writes 2 * width samples. Requires width >= 1.
void upsample_2x1(const std::uint8_t *row, int width, std::uint8_t *output);

// Twice as high: writes the lower or the upper of the two rows that `near` becomes. `far` is the row below or above it.
void upsample_1x2(const std::uint8_t *near, const std::uint8_t *far, bool lower, int width, std::uint8_t *output);

// Twice as wide and high; writes 2 * width samples. `sums` has room for width + 2 numbers.
void upsample_2x2(const std::uint8_t *near, const std::uint8_t *far, int width, std::uint16_t *sums,
                  std::uint8_t *output);

// Each sample `times` times.
void repeat_samples(const std::uint8_t *row, int times, int width, std::uint8_t *output);

} // namespace intvit
