#include "models/program/text_file.hpp"

#include <algorithm>
#include <stdexcept>

#include "engine/container/file_io.hpp"

namespace intvit {

std::string read_text_file(const std::string &path) {
  const Result<std::vector<std::byte>> bytes = read_file(path, max_text_file_bytes);
  if (!bytes.ok())
    throw std::runtime_error(bytes.status().message());
  std::string text(reinterpret_cast<const char *>(bytes->data()), bytes->size());
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF"))
    throw std::runtime_error(path + ": is UTF-16; save it as UTF-8");
  if (text.find('\0') != std::string::npos)
    throw std::runtime_error(path + ": holds a zero byte, so it is no text in UTF-8");
  if (text.starts_with("\xEF\xBB\xBF"))
    text.erase(0, 3);
  return text;
}

char line_end(std::string_view text) {
  return text.find('\n') == std::string_view::npos ? '\r' : '\n';
}

std::vector<std::string> text_lines(std::string_view text) {
  const char end = line_end(text);
  std::vector<std::string> lines;
  while (!text.empty())
    lines.emplace_back(take_line(text, end));
  return lines;
}

std::string_view take_line(std::string_view &text, char end) {
  std::string_view line = text.substr(0, text.find(end));
  text.remove_prefix(std::min(line.size() + 1, text.size()));
  if (line.ends_with('\r'))
    line.remove_suffix(1);
  return line;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    parts.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::string trimmed(std::string_view text) {
  constexpr const char *blanks = " \t\r";
  const std::size_t first = std::min(text.find_first_not_of(blanks), text.size());
  return std::string(text.substr(first, text.find_last_not_of(blanks) + 1 - first));
}

} // namespace intvit
