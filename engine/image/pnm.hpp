// Binary portable grey maps and pixel maps (PGM "P5" and PPM "P6"): the simplest picture files, which many programs can
// write when they are asked for raw pixels.
#pragma once

#include <cstddef>
#include <span>

#include "engine/image/image.hpp"

namespace intvit {

// Whether the bytes start with "P5" or "P6".
bool is_pnm(std::span<const std::byte> bytes);

// Samples of 8 or 16 bits are scaled from the file's maximum to 255, rounding to nearest, halves up; grey becomes three
// equal channels. Requires is_pnm(bytes). Errors: bad_format; those of make_image.
Result<Image> decode_pnm(std::span<const std::byte> bytes);

} // namespace intvit
