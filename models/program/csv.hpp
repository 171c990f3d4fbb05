// Tables of text, as spreadsheets, pandas and Python's csv module write them (RFC 4180).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace intvit {

struct CsvRow {
  int line = 0;                   // on which it begins, from 1
  bool quoted = false;            // whether a cell was in quotes
  std::vector<std::string> cells; // without quotes and what stood around them
  std::string text;               // of the row, as it stands there
};

// All rows but the blank ones; they end as lines do (line_end()). A cell in quotes may hold separators, line ends and
// quotes, of which it has two for one. Throws std::runtime_error that names the line where a quotation mark is not
// closed or text follows it.
std::vector<CsvRow> csv_rows(std::string_view text, char separator);

// What a line stands for that is a cell in quotes, as pandas and spreadsheets write names with commas: what it quotes;
// else the line.
std::string line_cell(const std::string &line);

// Comma, semicolon (spreadsheets where the decimal point is a comma) or tab: the first of them in the first row.
char csv_separator(std::string_view text);

} // namespace intvit
