// JPEG's inverse discrete cosine transform, as libjpeg computes it by default (jidctint, "islow").
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/image/jpeg/headers.hpp"

namespace intvit {

// The samples of a block from its quantized coefficients, in natural order and aligned to 16 bytes, of which those
// behind the `last` of the file's order are 0: 8 rows of 8 bytes, `stride` bytes apart. docs/images.md has the formula.
void inverse_dct(const std::int16_t *coefficients, int last, const QuantizationTable &quantization,
                 std::uint8_t *output, std::ptrdiff_t stride);

} // namespace intvit
