// The third-party decoder, stb_image, behind two functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/image/image.hpp"

namespace intvit {

// The size that the header of a BMP or GIF file announces, unchecked. Requires at most 2^31 - 1 bytes. Errors:
// bad_format.
Result<ImageSize> stb_size(std::span<const std::byte> file);

// The picture, with alpha dropped. `size` must be the file's stb_size(), and check_image_size() must have accepted it.
// Errors: bad_format, also for short files whose missing part stb_image would invent; those of make_image.
Result<Image> stb_decode(std::span<const std::byte> file, ImageSize size);

} // namespace intvit
