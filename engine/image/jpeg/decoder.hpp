// Decodes JPEG files: baseline, extended sequential and progressive, 8 bits, Huffman codes.
//
// The pixels equal those of libjpeg and libjpeg-turbo with their default settings byte for byte, and therefore those of
// Pillow, torchvision and OpenCV; docs/images.md has the formulas. Where a scan lacks data, the picture is grey.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/image/image.hpp"

namespace intvit {

// A limit for files of many scans, each of which is a pass over the picture: the most pixels that all scans together
// may have. It allows 16 passes over the largest picture and 178 over one of 24 megapixels. Photographs have about ten.
// A scan counts as so many pixels at least, as it takes some microseconds even of a picture of one pixel.
inline constexpr std::int64_t max_scanned_pixels = std::int64_t{1} << 32;
inline constexpr std::int64_t least_scanned_pixels = 4096;

// The size that the frame header announces, unchecked. Requires is_jpeg(file). Errors: bad_format; unsupported for the
// kinds that are not decoded (headers.hpp).
Result<ImageSize> jpeg_size(std::span<const std::byte> file);

// Requires the file's jpeg_size(), which check_image_size() accepts. Errors: bad_format, also where the file has no end
// marker; unsupported, also for more than max_scanned_pixels.
Result<Image> decode_jpeg(std::span<const std::byte> file, ImageSize size);

} // namespace intvit
