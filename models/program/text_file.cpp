#include "models/program/text_file.hpp"

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

std::vector<std::string> text_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + (text.substr(end).starts_with("\r\n") ? 2 : 1), text.size()));
  }
  return lines;
}

} // namespace intvit
