#include "models/evaluate/class_table.hpp"

#include "models/evaluate/image_table.hpp"
#include "models/program/text_file.hpp"

namespace intvit {

std::vector<LabelledImage> read_labels(const std::string &folder, const std::string &csv, const Classes &classes) {
  ImageTable table = read_image_table(folder, csv);
  const CsvRow &first = table.rows.front();
  const std::string label = trimmed(first.cells.back());
  if (first.cells.size() > 1 && !class_number(label) && !ClassNames(classes).has(label) && !table.names_file(first)) {
    const bool numbered = trimmed(first.cells.front()).empty();
    if (first.cells.size() != (numbered ? 3 : 2))
      table.fail(first, "expected the columns file and label, not \"" + first.text + "\"");
    table.drop_row_numbers();
    table.take_header();
  }
  std::vector<LabelledImage> images;
  std::vector<ClassWord> words;
  for (CsvRow &row : table.rows) {
    if (!row.quoted && row.cells.size() > 2)
      row.cells = {row.text.substr(0, row.text.rfind(table.separator)), row.cells.back()};
    if (row.cells.size() != 2)
      table.fail(row, "expected \"file,label\"");
    images.push_back({table.image(row), 0});
    words.push_back({trimmed(row.cells[1]), row.line});
  }
  const std::vector<int> indices = class_indices(words, csv, classes);
  for (std::size_t i = 0; i < images.size(); ++i)
    images[i].label = indices[i];
  return images;
}

} // namespace intvit
