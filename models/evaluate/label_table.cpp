#include "models/evaluate/label_table.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>

#include "models/evaluate/image_table.hpp"
#include "models/program/text_file.hpp"

namespace intvit {

namespace {

// Labels in one cell. A name that holds the separators is one label.
std::vector<std::string> labels_in(const std::string &cell, const ClassNames &names) {
  const std::string whole = trimmed(cell);
  if (names.has(whole))
    return {whole};
  std::vector<std::string> labels;
  for (std::size_t begin = 0; begin <= whole.size();) {
    const std::size_t end = std::min(whole.find_first_of(";|", begin), whole.size());
    if (std::string label = trimmed(whole.substr(begin, end - begin)); !label.empty())
      labels.push_back(std::move(label));
    begin = end + 1;
  }
  return labels;
}

std::vector<MultiLabelImage> read_list(const ImageTable &table, const Classes &labels) {
  const ClassNames names(labels);
  std::vector<MultiLabelImage> images;
  std::map<std::string, std::size_t> positions; // in images, by path
  std::vector<ClassWord> words;
  std::vector<std::size_t> owners; // the image of each word
  for (const CsvRow &row : table.rows) {
    if (row.cells.size() != 2)
      table.fail(row,
                 "expected \"file,label\"; several labels of a file stand in one cell with ; or | between them, or "
                 "in rows of their own");
    std::string path = table.image(row);
    const std::size_t position = positions.emplace(path, images.size()).first->second;
    if (position == images.size())
      images.push_back({std::move(path), {}});
    for (std::string &label : labels_in(row.cells[1], names)) {
      words.push_back({std::move(label), row.line});
      owners.push_back(position);
    }
  }
  const std::vector<int> indices = class_indices(words, table.path, labels);
  for (std::size_t i = 0; i < indices.size(); ++i)
    images[owners[i]].labels.push_back(indices[i]);
  for (MultiLabelImage &image : images) {
    std::sort(image.labels.begin(), image.labels.end());
    image.labels.erase(std::unique(image.labels.begin(), image.labels.end()), image.labels.end());
  }
  return images;
}

// The label of each column behind the first.
std::vector<int> labels_of_columns(const ImageTable &table, const CsvRow &header, const Classes &labels) {
  std::vector<ClassWord> words;
  for (std::size_t i = 1; i < header.cells.size(); ++i)
    words.push_back({trimmed(header.cells[i]), header.line});
  std::vector<int> columns = class_indices(words, table.path, labels);
  const std::set<int> different(columns.begin(), columns.end());
  if (different.size() != columns.size())
    table.fail(header, "two columns are of one label");
  for (int label = 0; label < labels.count; ++label)
    if (!different.contains(label))
      table.fail(header,
                 "there is no column for label " + std::to_string(label) +
                     (labels.names.empty() ? "" : ", \"" + labels.names[static_cast<std::size_t>(label)] + "\""));
  return columns;
}

std::vector<MultiLabelImage> read_one_hot(ImageTable table, const Classes &labels) {
  const CsvRow header = table.take_header();
  const std::vector<int> columns = labels_of_columns(table, header, labels);
  std::vector<MultiLabelImage> images;
  std::set<std::string> paths;
  for (const CsvRow &row : table.rows) {
    if (row.cells.size() != header.cells.size())
      table.fail(row, "has " + std::to_string(row.cells.size()) + " cells, the header " +
                          std::to_string(header.cells.size()));
    MultiLabelImage image{table.image(row), {}};
    if (!paths.insert(image.path).second)
      table.fail(row, image.path + " is listed twice");
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const std::optional<double> value = real_number(trimmed(row.cells[i + 1]));
      if (!value || (*value != 0 && *value != 1))
        table.fail(row, "\"" + trimmed(row.cells[i + 1]) + "\" in the column \"" + trimmed(header.cells[i + 1]) +
                            "\" is neither 0 nor 1");
      if (*value == 1)
        image.labels.push_back(columns[i]);
    }
    std::sort(image.labels.begin(), image.labels.end());
    images.push_back(std::move(image));
  }
  return images;
}

} // namespace

std::vector<MultiLabelImage> read_label_table(const std::string &folder, const std::string &csv,
                                              const Classes &labels) {
  ImageTable table = read_image_table(folder, csv);
  table.drop_row_numbers();
  const CsvRow &first = table.rows.front();
  if (first.cells.size() < 2 || table.names_file(first))
    return read_list(table, labels);
  // A header, if it is not of a file that is missing. Of two columns it is a one-hot table's where the second is headed
  // by a label.
  const ClassNames names(labels);
  const std::vector<std::string> words = labels_in(first.cells[1], names);
  const bool known = std::all_of(words.begin(), words.end(),
                                 [&](const std::string &word) { return names.has(word) || class_number(word); });
  if (first.cells.size() > 2 || (known && words.size() == 1))
    return read_one_hot(std::move(table), labels);
  if (!known)
    table.take_header();
  return read_list(table, labels);
}

} // namespace intvit
