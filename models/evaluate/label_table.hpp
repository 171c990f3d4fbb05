// Lists that tell of each image which of a model's labels hold, where it may have several or none.
#pragma once

#include <string>
#include <vector>

#include "models/evaluate/classes.hpp"

namespace intvit {

struct MultiLabelImage {
  std::string path;
  std::vector<int> labels; // indices, ascending
};

// Images from a table (csv.hpp), files relative to `folder`, in the order in which they are first named. It is one of
// two kinds:
// - a list of two columns, file and label, with or without a header. A file may stand in several rows; a cell may hold
//   several labels with ; or | between them, or none. Labels are indices from 0 in all rows or names in all rows.
// - a one-hot table: a header of "file" and all labels, and rows of a file and a 0 or 1 for each of them.
// Where the header begins with an empty cell, as pandas writes it, the first column numbers the rows. Throws
// std::runtime_error naming the line where it is neither.
std::vector<MultiLabelImage> read_label_table(const std::string &folder, const std::string &csv, const Classes &labels);

} // namespace intvit
