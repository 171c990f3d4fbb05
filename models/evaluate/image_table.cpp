#include "models/evaluate/image_table.hpp"

#include <charconv>
#include <cmath>
#include <filesystem>
#include <stdexcept>
#include <utility>

#include "models/program/paths.hpp"
#include "models/program/text_file.hpp"

namespace intvit {

namespace fs = std::filesystem;

namespace {

void require_rows(const ImageTable &table) {
  if (table.rows.empty())
    throw std::runtime_error(table.path + ": no image is listed");
}

} // namespace

void ImageTable::fail(const CsvRow &row, const std::string &reason) const {
  throw std::runtime_error(where(row) + ": " + reason);
}

bool ImageTable::names_file(const CsvRow &row) const {
  std::error_code ignored;
  const std::string name = trimmed(row.cells.front());
  return name.find_first_of("./") != std::string::npos ||
         fs::is_regular_file(file_path(folder) / file_path(name), ignored);
}

std::string ImageTable::image(const CsvRow &row) const {
  // A name may begin or end with blanks, which people also put around commas.
  const std::string &name = row.cells.front();
  std::error_code ignored;
  const bool as_it_is = name == trimmed(name) || fs::exists(file_path(folder) / file_path(name), ignored);
  return path_name(file_path(folder) / file_path(as_it_is ? name : trimmed(name)));
}

void ImageTable::drop_row_numbers() {
  if (rows.front().cells.size() < 3 || !trimmed(rows.front().cells.front()).empty())
    return;
  for (CsvRow &row : rows)
    if (row.cells.size() > 2) {
      row.cells.erase(row.cells.begin());
      row.text.erase(0, row.text.find(separator) + 1);
    }
}

CsvRow ImageTable::take_header() {
  CsvRow header = std::move(rows.front());
  rows.erase(rows.begin());
  require_rows(*this);
  return header;
}

ImageTable read_image_table(const std::string &folder, const std::string &path) {
  const std::string text = read_text_file(path);
  ImageTable table{path, folder, csv_separator(text), {}};
  try {
    table.rows = csv_rows(text, table.separator);
  } catch (const std::runtime_error &error) {
    throw std::runtime_error(path + ": " + error.what());
  }
  require_rows(table);
  return table;
}

std::optional<double> real_number(const std::string &text) {
  double value = 0;
  const char *begin = text.data() + (text.starts_with('+') && !text.starts_with("+-") ? 1 : 0);
  const auto [end, error] = std::from_chars(begin, text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    return std::nullopt;
  return value;
}

} // namespace intvit
