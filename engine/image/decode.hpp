// From a picture file's bytes to pixels.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "engine/image/image.hpp"

namespace intvit {

// Larger picture files are not read.
inline constexpr std::int64_t max_image_file_bytes = std::int64_t{1} << 28;

// A JPEG, PNG, WebP, BMP, GIF (of both the first frame) or binary PNM file as 8-bit RGB: grey becomes three equal
// channels, alpha is dropped without blending, 16 bits become the upper 8. A photograph is turned upright as its EXIF
// block says. `origin` is what the messages call the file. Errors: bad_format (empty, not a picture, corrupt, cut
// short); unsupported (too large, see check_image_size and max_scanned_pixels in jpeg/decoder.hpp; out of
// memory).
Result<Image> decode_image(std::span<const std::byte> bytes, std::string_view origin);

// Whether a file that begins with these bytes, of which picture_signature_bytes are enough, is in one of the formats
// that decode_image() knows, whole or not.
inline constexpr std::size_t picture_signature_bytes = 64;
bool has_picture_signature(std::span<const std::byte> begin);

// Whether files in one of these formats are commonly named so: ".jpg" and others, in lower case.
bool is_picture_ending(std::string_view ending);

// decode_image of a file. Errors: also io (missing, unreadable, a directory, more than max_image_file_bytes).
Result<Image> load_image(const std::string &path);

} // namespace intvit
