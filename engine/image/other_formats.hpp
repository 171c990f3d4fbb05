// Pictures that are recognized, to say so, but not decoded, or not by every build.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace intvit {

// Whether a file is a WebP picture, which not every build decodes.
bool is_webp(std::span<const std::byte> bytes);

// "HEIC", "AVIF", "TIFF" ...; empty for anything else.
std::string_view other_format(std::span<const std::byte> bytes);

} // namespace intvit
