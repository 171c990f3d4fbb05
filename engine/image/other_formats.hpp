// Pictures that are recognized, to say so, but not decoded.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace intvit {

// "HEIC", "AVIF", "TIFF" ...; empty for anything else.
std::string_view other_format(std::span<const std::byte> bytes);

} // namespace intvit
