// What the readers of lists of images share: a table (csv.hpp) whose first column names files.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "models/program/csv.hpp"

namespace intvit {

struct ImageTable {
  std::string path;   // of the table
  std::string folder; // to which the files' names are relative
  char separator = ',';
  std::vector<CsvRow> rows; // a header included

  std::string where(const CsvRow &row) const { return path + ":" + std::to_string(row.line); }
  [[noreturn]] void fail(const CsvRow &row, const std::string &reason) const;

  // Whether the first cell of a row names a file of the folder, or looks as if it did; a header's does not.
  bool names_file(const CsvRow &row) const;
  // The file that the first cell of a row names.
  std::string image(const CsvRow &row) const;

  // Takes the first column away where its heading is empty: as pandas writes a table, it numbers the rows.
  void drop_row_numbers();
  // Takes the first row away. Throws std::runtime_error where it was the only one.
  CsvRow take_header();
};

// Throws std::runtime_error that names the table: unreadable, no table, without a row.
ImageTable read_image_table(const std::string &folder, const std::string &path);

// A number as text gives it, with a decimal point; nothing where it is none, or not finite.
std::optional<double> real_number(const std::string &text);

} // namespace intvit
