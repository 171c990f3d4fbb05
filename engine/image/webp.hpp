// WebP, lossy and lossless, by libwebp.
#pragma once

#include <cstddef>
#include <span>

#include "engine/image/image.hpp"

namespace intvit {

// The canvas that a file announces, unchecked. Requires is_webp(file) (other_formats.hpp). Errors: bad_format, also
// where the file is shorter than it says.
Result<ImageSize> webp_size(std::span<const std::byte> file);

// The picture, or an animation's first frame on black, alpha dropped. Requires the file's webp_size(), which
// check_image_size() accepts. Errors: bad_format; unsupported without memory.
Result<Image> decode_webp(std::span<const std::byte> file, ImageSize size);

} // namespace intvit
