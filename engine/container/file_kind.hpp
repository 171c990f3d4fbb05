// What a file is that is not the one that was expected, for messages.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace intvit {

// "a git-lfs pointer, ...", "a web page, ..." and so on, with what to do where that is known; empty where the bytes are
// of no known kind. Looks at the first 64 bytes only.
std::string_view file_kind(std::span<const std::byte> bytes);

} // namespace intvit
