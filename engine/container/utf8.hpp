// UTF-8 (RFC 3629): names and metadata of model files are such text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace intvit {

// The length in bytes of the longest prefix of `text` that is valid UTF-8; text.size() where all of it is.
std::size_t valid_utf8_prefix(std::string_view text);

// `text` with each byte that is not part of valid UTF-8 replaced by U+FFFD.
std::string replace_invalid_utf8(std::string_view text);

// `text` in quotation marks, fit for a one-line message whatever it holds: quotes, backslashes, control characters and
// bytes beyond ASCII become escapes, long text is cut.
std::string quoted_for_message(std::string_view text);

} // namespace intvit
