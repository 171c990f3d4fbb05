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

} // namespace intvit::importer
