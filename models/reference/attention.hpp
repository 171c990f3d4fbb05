// Multi-head attention in float32, over all tokens or within windows.
#pragma once

#include <vector>

#include "models/architectures/block.hpp"
#include "models/architectures/weights.hpp"
#include "models/reference/observer.hpp"

namespace intvit::reference {

// Attention on qkv [T, 3C] (q, k, v side by side) without the output projection: [T, C]. `position_bias` as
// BlockWeights has it; it is not looked at where there are neither windows nor a
// grid of biases. Windows must divide the grid. `layer` only names the sites reported.
// `sizes` are how many patches each token stands for, where tokens have been merged, else none: log(size) is added to a
// token's scores.
RowMatrix attention(const BlockConfig &config, const RowMatrix &position_bias, const MatrixView &qkv, int layer = 0,
                    Observer *observer = nullptr, const std::vector<float> &sizes = {});

// What the first token pays attention to, the sum over all heads: [T].
RowVector first_token_attention(const BlockConfig &config, const MatrixView &qkv, const std::vector<float> &sizes);

// Turns the queries and keys of q, k, v side by side [T, 3C].
void rotate(const Rotation &rotation, int heads, RowMatrix &qkv);

// Brings queries and keys of q, k, v side by side [T, 3C] to the lengths that make their products, over sqrt(d),
// cosines times the head's scale [heads].
void normalize_heads(const RowVector &cosine_scale, RowMatrix &qkv);

// What tokens that fill up windows have for query, key and value: those of a row of zeros [1, 3C].
RowMatrix padding_tokens(const BlockConfig &config, const BlockWeights &block);

// The rows of a grid on the padded one, of whose others each is `padding`, a row; and back.
RowMatrix pad_grid(const Windows &windows, const MatrixView &rows, const MatrixView &padding);
RowMatrix crop_grid(const Windows &windows, const MatrixView &rows);

// The tokens of the grid, window after window, each row by row: [T].
std::vector<int> window_order(const Windows &windows);

// In that order, a number for each token: tokens of a window attend to one another where it is equal.
std::vector<int> window_regions(const Windows &windows);

// One query [C], the same for every image, on keys and values [T, 2C] side by side, without the output projection:
// [1, C].
RowMatrix query_attention(const BlockConfig &config, const RowVector &query, const MatrixView &key_value,
                          const std::vector<float> &sizes = {});

} // namespace intvit::reference
