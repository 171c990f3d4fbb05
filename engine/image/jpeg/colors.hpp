// From JPEG's components to RGB, a row at a time.
#pragma once

#include <array>
#include <cstdint>

#include "engine/image/jpeg/headers.hpp"

namespace intvit {

// Converts a row of `width` samples of each component, one to four by `colors`, and writes 3 * width bytes. YCbCr
// becomes RGB as in libjpeg. CMYK and YCCK, which Adobe's programs store inverted, become RGB as in Pillow.
// docs/images.md has the formulas.
void to_rgb(JpegColors colors, const std::array<const std::uint8_t *, 4> &components, int width, std::uint8_t *rgb);

} // namespace intvit
