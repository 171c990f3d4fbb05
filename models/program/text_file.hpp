// Lists that users write or export: labels, class names, shapes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace intvit {

// Larger lists are not read: a million lines need no more.
inline constexpr std::int64_t max_text_file_bytes = std::int64_t{1} << 26;

// The text of a regular file without a byte order mark. Throws std::runtime_error, beginning with `path`, where it
// cannot be read, is larger than max_text_file_bytes, or is no text of bytes: UTF-16 (spreadsheets' "Unicode text") or
// with a zero byte.
std::string read_text_file(const std::string &path);

// What its lines end with: LF, before which there may be a CR, or where it has none, CR.
char line_end(std::string_view text);
std::vector<std::string> text_lines(std::string_view text);
// Takes the first of them, of which there must be one, from the text. `end` is line_end() of the whole text.
std::string_view take_line(std::string_view &text, char end);

// What stands between the separators: of none, the text itself.
std::vector<std::string> split(std::string_view text, char separator);

// Without blanks, tabs and carriage returns at its ends.
std::string trimmed(std::string_view text);

} // namespace intvit
