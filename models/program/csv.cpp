#include "models/program/csv.hpp"

#include <algorithm>
#include <stdexcept>

namespace intvit {

namespace {

std::string trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  return std::string(first == std::string_view::npos ? std::string_view()
                                                     : text.substr(first, text.find_last_not_of(" \t") + 1 - first));
}

// What stands in quotes at the front of `rest`, which is taken off it.
std::string take_quoted(std::string_view &rest, const std::string &where) {
  std::string cell;
  rest.remove_prefix(1);
  for (;;) {
    const std::size_t quote = rest.find('"');
    if (quote == std::string_view::npos)
      throw std::runtime_error(where + "a quotation mark is not closed");
    cell += rest.substr(0, quote);
    rest.remove_prefix(quote + 1);
    if (!rest.starts_with('"'))
      return cell;
    cell += '"';
    rest.remove_prefix(1);
  }
}

} // namespace

std::vector<CsvRow> csv_rows(std::string_view text, char separator) {
  const char ends[] = {separator, '\r', '\n', '\0'};
  std::vector<CsvRow> rows;
  int line = 1;
  while (!text.empty()) {
    CsvRow row{.line = line, .quoted = false, .cells = {}, .text = {}};
    const std::string where = "line " + std::to_string(line) + ": ";
    std::string_view rest = text;
    for (bool more = true; more;) {
      const std::size_t blanks = std::min(rest.find_first_not_of(' '), rest.size());
      if (rest.substr(blanks).starts_with('"')) {
        rest.remove_prefix(blanks);
        row.cells.push_back(take_quoted(rest, where));
        row.quoted = true;
        if (!trimmed(rest.substr(0, rest.find_first_of(ends))).empty())
          throw std::runtime_error(where + "text behind a quotation mark that closes");
      } else {
        row.cells.push_back(trimmed(rest.substr(0, rest.find_first_of(ends))));
      }
      rest.remove_prefix(std::min(rest.find_first_of(ends), rest.size()));
      more = rest.starts_with(separator);
      if (more)
        rest.remove_prefix(1);
    }
    row.text = text.substr(0, text.size() - rest.size());
    rest.remove_prefix(std::min<std::size_t>(rest.starts_with("\r\n") ? 2 : 1, rest.size()));
    const std::string_view whole = text.substr(0, text.size() - rest.size());
    for (std::size_t i = 0; i < whole.size(); ++i)
      line += whole[i] == '\n' || (whole[i] == '\r' && !whole.substr(i).starts_with("\r\n")) ? 1 : 0;
    text = rest;
    if (row.quoted || row.cells.size() > 1 || !row.cells.front().empty())
      rows.push_back(std::move(row));
  }
  return rows;
}

char csv_separator(std::string_view text) {
  const std::size_t first = std::min(text.find_first_not_of("\r\n"), text.size());
  const std::string_view row = text.substr(first, text.find_first_of("\r\n", first) - first);
  for (const char separator : {',', ';', '\t'})
    if (row.find(separator) != std::string_view::npos)
      return separator;
  return ',';
}

} // namespace intvit
