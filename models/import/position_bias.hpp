// Relative position biases as files hold them: as a table, or as a small network of the distance, which becomes one.
#pragma once

#include <string>

#include "models/architectures/block.hpp"
#include "models/import/tensors.hpp"

namespace intvit::importer {

// BlockWeights::position_bias over a whole grid, of a table [biases, heads] whose last three rows are those of tokens
// before the patches; without such tokens it may end before them.
RowMatrix read_grid_bias(TensorReader &tensors, const std::string &name, const BiasGrid &grid, int heads,
                         bool has_prefix);

// The same that two linear maps, MODULE.fc1 and MODULE.fc2, with a ReLU between them make of a distance in patches,
// down and right, on a logarithmic scale (arXiv 2111.09883). Tokens before the patches have none.
RowMatrix read_grid_bias_network(TensorReader &tensors, const std::string &module, const BiasGrid &grid, int heads,
                                 int hidden);

// Swin V2's, of windows of `size` x `size` tokens: 16 times the sigmoid of what two linear maps, MODULE.0 and MODULE.2,
// the second without a bias, with a ReLU between them make of a distance on a logarithmic scale, measured by windows of
// `trained` tokens; 0: by these. `biases`: the columns, of which those behind the distances are zeros.
RowMatrix read_window_bias_network(TensorReader &tensors, const std::string &module, int size, int trained, int biases,
                                   int heads);

// The factor of a head's cosines, [heads], of a tensor [heads, 1, 1] of its logarithm, which is at most that of 100.
RowVector read_cosine_scale(TensorReader &tensors, const std::string &name, int heads);

} // namespace intvit::importer
