// Multi-head attention in float32, over all tokens or within windows.
#pragma once

#include <vector>

#include "models/architectures/block.hpp"
#include "models/reference/observer.hpp"

namespace intvit::reference {

// Attention on qkv [T, 3C] (q, k, v side by side) without the output projection: [T, C]. `position_bias` as
// BlockWeights has it; it is not looked at where there are no windows. `layer` only names the sites reported.
RowMatrix attention(const BlockConfig &config, const RowMatrix &position_bias, const MatrixView &qkv, int layer = 0,
                    Observer *observer = nullptr);

// The tokens of the grid, window after window, each row by row: [T].
std::vector<int> window_order(const Windows &windows);

// In that order, a number for each token: tokens of a window attend to one another where it is equal.
std::vector<int> window_regions(const Windows &windows);

// One query [C], the same for every image, on keys and values [T, 2C] side by side, without the output projection:
// [1, C].
RowMatrix query_attention(const BlockConfig &config, const RowVector &query, const MatrixView &key_value);

} // namespace intvit::reference
