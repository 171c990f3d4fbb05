#include "cli/benchmark/terminal.hpp"

#include <algorithm>
#include <numeric>
#include <set>

#include "engine/container/utf8.hpp"

namespace intvit::cli {

namespace {

constexpr std::size_t longest_name = 34; // of a key's text
constexpr const char *ellipsis = "...";

using Column = std::vector<std::string>; // with its heading

// In characters. Of text that printable() let through.
std::size_t width_of(const std::string &text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

bool is_common(const Table &table, std::size_t column) {
  return table.keys > 1 && column < table.keys &&
         std::all_of(table.rows.begin(), table.rows.end(),
                     [&](const auto &row) { return row[column] == table.rows.front()[column]; });
}

// The place `characters` from the begin.
std::size_t byte_of(const std::string &text, std::size_t characters) {
  std::size_t place = 0;
  while (place < text.size() && width_of(text.substr(0, place + 1)) <= characters)
    ++place;
  return place;
}

std::string without_middle(const std::string &text) {
  const std::size_t width = width_of(text);
  if (width <= longest_name)
    return text;
  const std::size_t kept = longest_name - std::string(ellipsis).size();
  const std::size_t tail = kept / 2;
  return text.substr(0, byte_of(text, kept - tail)) + ellipsis + text.substr(byte_of(text, width - tail));
}

// Shortened, unless two different texts would become one.
void shorten(Column &column) {
  Column shortened;
  for (const std::string &cell : column)
    shortened.push_back(without_middle(cell));
  if (std::set<std::string>(column.begin(), column.end()).size() ==
      std::set<std::string>(shortened.begin(), shortened.end()).size())
    column = shortened;
}

// Headings need not say what is said above the table.
std::string without_unit(const std::string &heading) {
  const std::string unit = " ms";
  return heading.ends_with(unit) ? heading.substr(0, heading.size() - unit.size()) : heading;
}

std::string aligned(const Column &column, std::size_t row, std::size_t width, bool left) {
  const std::string space(width - width_of(column[row]), ' ');
  return left ? column[row] + space : space + column[row];
}

} // namespace

std::string common_keys(const Table &table) {
  std::string text;
  for (std::size_t i = 0; i < table.keys; ++i)
    if (is_common(table, i))
      text += (text.empty() ? "" : ", ") + (i == 0 ? "" : table.columns[i] + " ") + printable(table.rows.front()[i]);
  return text;
}

Table without_common_keys(const Table &table) {
  Table rest{{}, std::vector<std::vector<std::string>>(table.rows.size()), 0};
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (is_common(table, i))
      continue;
    rest.keys += i < table.keys ? 1 : 0;
    rest.columns.push_back(table.columns[i]);
    for (std::size_t row = 0; row < table.rows.size(); ++row)
      rest.rows[row].push_back(table.rows[row][i]);
  }
  return rest;
}

std::string terminal_text(const Table &table, std::size_t width) {
  std::vector<Column> columns;
  std::vector<std::size_t> widths;
  std::vector<bool> left;
  std::size_t keys = 0;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (is_common(table, i))
      continue;
    keys += i < table.keys ? 1 : 0;
    Column column{without_unit(table.columns[i])};
    for (const std::vector<std::string> &row : table.rows)
      column.push_back(printable(row[i]));
    if (i == 0)
      shorten(column);
    std::size_t widest = 0;
    for (const std::string &cell : column)
      widest = std::max(widest, width_of(cell));
    columns.push_back(std::move(column));
    widths.push_back(widest);
    left.push_back(i == 0);
  }
  const std::size_t keys_width =
      std::accumulate(widths.begin(), widths.begin() + static_cast<std::ptrdiff_t>(keys), 2 * keys);

  std::string text;
  for (std::size_t first = keys; first < columns.size();) {
    std::size_t end = first;
    for (std::size_t used = keys_width; end < columns.size(); ++end) {
      used += widths[end] + (end > first ? 2 : 0);
      if (used > width && end > first)
        break;
    }
    if (first > keys)
      text += "\n";
    for (std::size_t row = 0; row <= table.rows.size(); ++row) {
      std::string line;
      for (std::size_t i = 0; i < end; ++i)
        if (i < keys || i >= first)
          line += (line.empty() ? "" : "  ") + aligned(columns[i], row, widths[i], left[i]);
      text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
    }
    first = end;
  }
  return text;
}

} // namespace intvit::cli
