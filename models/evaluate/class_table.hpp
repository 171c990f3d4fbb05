// Lists that tell of each image which class it shows.
#pragma once

#include <string>
#include <vector>

#include "models/evaluate/classes.hpp"
#include "models/evaluate/dataset.hpp"

namespace intvit {

// Images with labels from a table (csv.hpp) of two columns, file and label, files relative to `folder`. Labels are
// class indices from 0 in every row, or names of classes in every row. A first row whose label is neither is a header,
// unless what stands before it is a file or looks like one; where the header begins with an empty cell, as pandas
// writes it, the first column numbers the rows. A name may hold commas without quotes in a row that has none. Throws
// std::runtime_error naming the line: not two columns, a label that is neither or that several classes have, no row.
std::vector<LabelledImage> read_labels(const std::string &folder, const std::string &csv, const Classes &classes);

} // namespace intvit
