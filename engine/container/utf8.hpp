// UTF-8 (RFC 3629), the encoding of names and metadata in model files.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace intvit {

// The length in bytes of the longest prefix of `text` that is valid UTF-8; text.size() if all of it is.
std::size_t valid_utf8_prefix(std::string_view text);

// `text` with each byte that is not part of valid UTF-8 replaced by U+FFFD.
std::string replace_invalid_utf8(std::string_view text);

// `text` as it may be shown: on one line, in valid UTF-8, without anything that a terminal obeys or that changes the
// order of what is read (control characters, U+2028, U+2029, direction marks). What cannot be shown becomes an escape
// like \x1b, \n or \u202e. Everything that a stranger wrote goes through it before it is printed.
std::string printable(std::string_view text);

// `text` as valid UTF-8 from which its bytes can be told again: those that are not UTF-8 become escapes like \xff, and
// a backslash in front of something that looks like such an escape becomes \x5c. Two texts never become one.
// `controls`: control characters other than tab, line feed and carriage return become escapes of their bytes as well.
std::string escape_bytes(std::string_view text, bool controls);

// `text` in quotation marks, safe to put into a one-line message: quotes, backslashes, control characters and bytes
// beyond ASCII become escapes, and long text is cut.
std::string quoted_for_message(std::string_view text);

} // namespace intvit
