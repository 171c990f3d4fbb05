#include "models/evaluate/score_table.hpp"

#include <algorithm>
#include <numeric>
#include <set>

#include "models/evaluate/image_table.hpp"
#include "models/program/text_file.hpp"

namespace intvit {

namespace {

void check_width(const ImageTable &table, const CsvRow &row, const Classes &scores) {
  const std::size_t numbers = row.cells.size() - 1;
  if (numbers != static_cast<std::size_t>(scores.count))
    table.fail(row, "expected a file and " + std::to_string(scores.count) + " numbers, found " +
                        std::to_string(numbers) + (numbers == 1 ? " cell" : " cells") + " behind the file");
}

bool is_header(const ImageTable &table, const CsvRow &row) {
  return !table.names_file(row) && !std::all_of(row.cells.begin() + 1, row.cells.end(), [](const std::string &cell) {
    return real_number(trimmed(cell)).has_value();
  });
}

// The score of each column behind the first.
std::vector<std::size_t> scores_of_columns(const ImageTable &table, const CsvRow &header, const Classes &scores) {
  const ClassNames names(scores);
  std::vector<std::size_t> columns;
  std::string stranger;
  for (std::size_t i = 1; i < header.cells.size(); ++i)
    if (const std::string name = trimmed(header.cells[i]); names.has(name))
      columns.push_back(static_cast<std::size_t>(names.index(name, table.where(header))));
    else
      stranger = name;
  if (columns.empty()) {
    columns.resize(header.cells.size() - 1);
    std::iota(columns.begin(), columns.end(), std::size_t{0});
  }
  if (columns.size() != header.cells.size() - 1)
    table.fail(header, "\"" + stranger + "\" is not a score of the model, as other headings are");
  if (std::set<std::size_t>(columns.begin(), columns.end()).size() != columns.size())
    table.fail(header, "two columns are of one score");
  return columns;
}

} // namespace

std::vector<ScoredImage> read_score_table(const std::string &folder, const std::string &csv, const Classes &scores) {
  ImageTable table = read_image_table(folder, csv);
  table.drop_row_numbers();
  std::vector<std::size_t> columns(static_cast<std::size_t>(scores.count));
  std::iota(columns.begin(), columns.end(), std::size_t{0});
  if (table.rows.front().cells.size() > 1 && is_header(table, table.rows.front())) {
    check_width(table, table.rows.front(), scores);
    columns = scores_of_columns(table, table.rows.front(), scores);
    table.take_header();
  }
  std::vector<ScoredImage> images;
  std::set<std::string> paths;
  for (const CsvRow &row : table.rows) {
    check_width(table, row, scores);
    ScoredImage image{table.image(row), std::vector<double>(columns.size())};
    if (!paths.insert(image.path).second)
      table.fail(row, image.path + " is listed twice");
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const std::string cell = trimmed(row.cells[i + 1]);
      const std::optional<double> value = real_number(cell);
      if (!value)
        table.fail(row, "\"" + cell + "\" is no number; numbers are written as 12.5 or 1e-3");
      image.scores[columns[i]] = *value;
    }
    images.push_back(std::move(image));
  }
  return images;
}

} // namespace intvit
