// The float32 forward of a ViT, against which integer models are calibrated and judged.
//
// All functions are pure and re-entrant: callers parallelize over images. Results are the same bits on every machine
// and instruction set: each sum is taken in one fixed order, no multiply-add is fused, and exp and GELU are computed by
// models/reference/math.hpp instead of the C library.
#pragma once

#include <vector>

#include "engine/image/image.hpp"
#include "models/architectures/vit.hpp"
#include "models/reference/observer.hpp"

namespace intvit::reference {

// Logits, one a class. `pixels` has the model's input size (std::invalid_argument if not); mean and std are applied
// here. `observer` may be null.
std::vector<float> forward(const VitModel &model, const Image &pixels, Observer *observer = nullptr);

// The parts of a forward, in its order. T tokens, C channels.

// The patches of `pixels` after mean and std: [patches, 3 * patch * patch], a row in the order colour, y, x, as
// patch_embed expects them. std::invalid_argument where `pixels` is not of the model's input size.
RowMatrix extract_patches(const VitConfig &config, const Image &pixels);

// Projects the patches, puts the class token in front and adds the position embedding: the residual stream [T, C] that
// enters the first block.
RowMatrix embed(const VitWeights &weights, const MatrixView &patches);

// One block on the residual stream [T, C]. `layer` only names the sites reported to `observer`.
RowMatrix block_forward(const VitConfig &config, const BlockWeights &block, const MatrixView &stream, int layer = 0,
                        Observer *observer = nullptr);

// Multi-head attention on qkv [T, 3C] (q, k, v side by side) without the output projection: [T, C].
RowMatrix attention(const MatrixView &qkv, int heads, int layer = 0, Observer *observer = nullptr);

// Norm and head on the class token of the residual stream [T, C] after the last block: [classes].
RowVector classify(const VitModel &model, const MatrixView &stream, Observer *observer = nullptr);

} // namespace intvit::reference
