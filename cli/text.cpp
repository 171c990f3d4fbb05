#include "cli/text.hpp"

#include <charconv>
#include <cstdio>

#include "engine/container/utf8.hpp"

namespace intvit::cli {

namespace {

bool is_number(const std::string &text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

bool is_formula(const std::string &text) {
  const std::size_t first = text.find_first_not_of('\'');
  return first != std::string::npos && text.size() > 1 &&
         std::string("=+-@\t\r").find(text[first]) != std::string::npos && !is_number(text);
}

std::string csv_cell(const std::string &text) {
  std::string shown = (is_formula(text) ? "'" : "") + escape_bytes(text, true);
  if (shown.find_first_of(",\"\r\n\t") == std::string::npos)
    return shown;
  std::string quoted = "\"";
  for (const char c : shown)
    quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

} // namespace

std::string path_text(const std::string &path) {
  return escape_bytes(path, false);
}

std::string json_text(const nlohmann::json &value, int indent) {
  // Outside of strings JSON has only ASCII, and inside of them only the control characters below U+0020 are escaped by
  // dump(). Of the others, printable() gives \u escapes to all but U+007F.
  std::string text;
  std::string line;
  const auto end_line = [&] {
    text += printable(line);
    line.clear();
  };
  for (const char c : value.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace)) {
    if (c == '\n') {
      end_line();
      text += c;
    } else if (c == '\x7F') {
      line += "\\u007f";
    } else {
      line += c;
    }
  }
  end_line();
  return text;
}

std::string csv_line(const std::vector<std::string> &cells) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i)
    line += (i == 0 ? "" : ",") + csv_cell(cells[i]);
  return line + "\n";
}

std::string csv_number(double value) {
  char text[64];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

} // namespace intvit::cli
