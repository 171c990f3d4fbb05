// Which tokens a model that merges them has made one of an image.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "engine/image/image.hpp"
#include "engine/runtime/model.hpp"
#include "models/inspect/observed_run.hpp"

namespace intvit {

// Behind a merging: the row that each of the first tokens is a part of.
struct TokenRows {
  std::vector<int> row;
  std::vector<int> size; // of each row, how many of them
};

// Behind every matching of a program, by its value; their outputs in `run` are those of the image.
std::map<int, TokenRows> token_rows(const Program &program, const ObservedRun &run);

// The values of a program's matchings, which token_rows() reads.
std::vector<int> matching_values(const Program &program);

// What is left of an image's patches behind the last merging.
struct PatchGroups {
  int grid_height = 0;
  int grid_width = 0;
  std::vector<int> group; // of each patch, row by row
  int tokens = 0;         // that are left, those that are no patches included
};

// Throws std::runtime_error where the model merges no tokens. `image` is of its size.
PatchGroups patch_groups(const std::shared_ptr<const Model> &model, const Image &image);

} // namespace intvit
