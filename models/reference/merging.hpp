// Merging of tokens in float32: docs/numerics.md, "Merging tokens", of real numbers.
#pragma once

#include <vector>

#include "models/architectures/block.hpp"
#include "models/architectures/weights.hpp"

namespace intvit::reference {

// The residual stream of an image, a token a row.
struct TokenStream {
  RowMatrix rows;
  std::vector<float> sizes = {}; // how many patches each token stands for; empty: one each
};

// Merges tokens of a stream whose attention read `qkv` [T, 3C]. Returns the row that each token became a part of.
std::vector<int> merge_tokens(const BlockConfig &config, const TokenMerging &merging, const MatrixView &qkv,
                              TokenStream &stream);

} // namespace intvit::reference
