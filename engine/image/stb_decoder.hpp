// The third-party decoder, stb_image, behind two functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/image/image.hpp"

namespace intvit {

struct ImageSize {
  std::int64_t width = 0;
  std::int64_t height = 0;
};

// The size that the header of a JPEG, PNG, BMP or GIF file announces, unchecked. Requires at most 2^31 - 1 bytes, and
// has_valid_huffman_tables() of a JPEG file. Errors: bad_format.
Result<ImageSize> stb_size(std::span<const std::byte> file);

// The picture, alpha dropped, 16 bits cut to the upper 8. Requires the file's stb_size(), which check_image_size()
// accepts. Errors: bad_format, also where stb_image itself would make up what a short file lacks; those of make_image.
Result<Image> stb_decode(std::span<const std::byte> file, ImageSize size);

} // namespace intvit
