// Lists that tell of each image the numbers that a model should give for it.
#pragma once

#include <string>
#include <vector>

#include "models/evaluate/classes.hpp"

namespace intvit {

struct ScoredImage {
  std::string path;
  std::vector<double> scores; // one for each of the model's
};

// Images from a table (csv.hpp) of a file, relative to `folder`, and a number for each score of the model. A header may
// stand in front. If its headings are all names of the model's scores, they tell which column is which; if none is,
// columns are in the model's order. Where the header begins with an empty cell, as pandas writes it, the first column
// numbers the rows. Throws std::runtime_error naming the line: another number of columns, no number, a file that stands
// twice, a header of which some names are the model's and others not.
std::vector<ScoredImage> read_score_table(const std::string &folder, const std::string &csv, const Classes &scores);

} // namespace intvit
