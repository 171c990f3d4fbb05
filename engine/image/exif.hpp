// The orientation of a photograph, which cameras write into a file's EXIF block.
#pragma once

#include <cstddef>
#include <span>

#include "engine/image/image.hpp"

namespace intvit {

// Orientation 1 .. 8 of the first EXIF block: a JPEG file's APP1 segment, a PNG file's eXIf chunk or a WebP file's EXIF
// chunk (TIFF 6.0, tag 0x0112 of the first directory). It is 1, "upright", if there is no such block or it is damaged.
// Accepts any bytes.
int exif_orientation(std::span<const std::byte> file);

// Turns the picture upright, as Pillow's ImageOps.exif_transpose does for that orientation. 5 .. 8 exchange width and
// height. Requires 1 <= orientation <= 8. Errors: those of make_image.
Result<Image> upright(Image image, int orientation);

} // namespace intvit
