// Decodes JPEG files: baseline, extended sequential and progressive, 8 bits, Huffman codes.
//
// The pixels equal those of libjpeg and libjpeg-turbo with their default settings byte for byte, and therefore those of
// Pillow, torchvision and OpenCV; docs/images.md has the formulas. Where a scan lacks data, the picture is grey.
#pragma once

#include <cstddef>
#include <span>

#include "engine/image/image.hpp"

namespace intvit {

// The size that the frame header announces, unchecked. Requires is_jpeg(file). Errors: bad_format; unsupported for the
// kinds that are not decoded (headers.hpp).
Result<ImageSize> jpeg_size(std::span<const std::byte> file);

// Requires the file's jpeg_size(), which check_image_size() accepts. Errors: bad_format, also where the file has no end
// marker; unsupported.
Result<Image> decode_jpeg(std::span<const std::byte> file, ImageSize size);

} // namespace intvit
