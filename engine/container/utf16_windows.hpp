// Text as Windows takes and gives it: the project's is UTF-8.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace intvit {

// Nothing where the text is no UTF-8, and so no name that a file has.
std::optional<std::wstring> utf16(std::string_view text);

// What is no UTF-16 becomes U+FFFD.
std::string utf8(std::wstring_view text);

} // namespace intvit
