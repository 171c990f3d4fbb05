// Decodes PNG files: all colour types and depths, interlaced or not.
#pragma once

#include <cstddef>
#include <span>

#include "engine/image/image.hpp"

namespace intvit {

// The size that the header announces. Errors: bad_format, unsupported (a kind of compression or filters that does not
// exist yet).
Result<ImageSize> png_size(std::span<const std::byte> file);

// Grey becomes three equal channels, alpha is dropped, of 16 bits the upper 8 are taken, colours beyond the palette are
// black. Checksums are not looked at. `size` must be the file's png_size(), and check_image_size() must have accepted
// it. Errors: bad_format, also for files that end too early; unsupported (not enough memory).
Result<Image> decode_png(std::span<const std::byte> file, ImageSize size);

} // namespace intvit
