#include "models/program/csv.hpp"

#include <algorithm>
#include <stdexcept>

#include "models/program/text_file.hpp"

namespace intvit {

namespace {

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
  const char end = line_end(text);
  const char ends[] = {separator, end, '\0'};
  std::vector<CsvRow> rows;
  int line = 1;
  while (!text.empty()) {
    CsvRow row{.line = line, .quoted = false, .cells = {}, .text = {}};
    const std::string where = "line " + std::to_string(line) + ": ";
    std::string_view rest = text;
    for (bool more = true; more;) {
      const std::size_t blanks = std::min(rest.find_first_not_of(' '), rest.size());
      const bool quoted = rest.substr(blanks).starts_with('"');
      if (quoted) {
        rest.remove_prefix(blanks);
        row.cells.push_back(take_quoted(rest, where));
        row.quoted = true;
      }
      const std::string_view plain = rest.substr(0, rest.find_first_of(ends));
      rest.remove_prefix(plain.size());
      more = rest.starts_with(separator);
      if (!quoted)
        row.cells.emplace_back(plain.substr(0, plain.size() - (!more && plain.ends_with('\r') ? 1 : 0)));
      else if (!trimmed(plain).empty())
        throw std::runtime_error(where + "text behind a quotation mark that closes");
      if (more)
        rest.remove_prefix(1);
    }
    row.text = text.substr(0, text.size() - rest.size());
    if (row.text.ends_with('\r'))
      row.text.pop_back();
    rest.remove_prefix(std::min<std::size_t>(1, rest.size()));
    const std::string_view whole = text.substr(0, text.size() - rest.size());
    line += static_cast<int>(std::count(whole.begin(), whole.end(), end));
    text = rest;
    if (row.quoted || row.cells.size() > 1 || !trimmed(row.cells.front()).empty())
      rows.push_back(std::move(row));
  }
  return rows;
}

std::string line_cell(const std::string &line) {
  if (line.starts_with('"'))
    try {
      if (const std::vector<CsvRow> rows = csv_rows(line, ','); rows.size() == 1 && rows.front().cells.size() == 1)
        return rows.front().cells.front();
    } catch (const std::runtime_error &) { // no cell, so the quotes are the name's
    }
  return line;
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
