// How a transformer block computes, beside its weights.
#pragma once

#include <optional>

namespace intvit {

// How the tokens of a grid, row by row, attend to one another: within windows of size x size tokens. With a shift the
// windows lie on the grid rolled by `shift` up and to the left; tokens that only the rolling brought together do not
// attend to one another.
struct Windows {
  int grid_height = 0; // a multiple of size
  int grid_width = 0;
  int size = 0;
  int shift = 0; // less than size

  int tokens() const { return grid_height * grid_width; }
};

struct BlockConfig {
  int tokens = 0; // rows of the residual stream
  int heads = 0;
  double layer_norm_eps = 0;
  std::optional<Windows> windows; // none: all tokens attend to all

  int keys() const { return windows ? windows->size * windows->size : tokens; } // that a query attends to
};

} // namespace intvit
