// The float32 forward of a model, against which integer models are calibrated and judged.
//
// All functions are pure and re-entrant: callers parallelize over images. Results are the same bits on every machine
// and instruction set: each sum is taken in one fixed order, no multiply-add is fused, and exp and GELU are computed by
// models/reference/math.hpp instead of the C library.
#pragma once

#include <vector>

#include "engine/image/image.hpp"
#include "models/architectures/float_model.hpp"
#include "models/reference/merging.hpp"
#include "models/reference/observer.hpp"

namespace intvit::reference {

// Logits, one a class, or features where the model has no head. `pixels` has the model's input size
// (std::invalid_argument if not); mean and std are applied here. `observer` may be null.
std::vector<float> forward(const Network &network, const Image &pixels, Observer *observer = nullptr);
std::vector<float> forward(const FloatModel &model, const Image &pixels, Observer *observer = nullptr);

// The same of a model of one architecture, which need not be copied into a FloatModel.
template <class Model>
requires requires(const Model &model) {
  network(model.config, &model.weights);
}
std::vector<float> forward(const Model &model, const Image &pixels, Observer *observer = nullptr) {
  return forward(network(model.config, &model.weights), pixels, observer);
}

// The parts of a forward, in its order. T tokens, C channels.

// The patches of `pixels` after mean and std: [patches, 3 * patch * patch], a row in the order colour, y, x, as
// patch_embed expects them. std::invalid_argument where `pixels` is not of the model's input size.
RowMatrix extract_patches(const ModelConfig &config, const Image &pixels);

// The residual stream [T, C] that enters the first block: the prefix tokens, then the projected patches with their
// positions; or the projected patches, normalized.
RowMatrix embed(const Network &network, const MatrixView &patches, Observer *observer = nullptr);

// One block on the residual stream [T, C]. `layer` only names the sites reported to `observer`.
RowMatrix block_forward(const BlockConfig &config, const BlockWeights &block, const MatrixView &stream, int layer = 0,
                        Observer *observer = nullptr);

// The same of a block that merges tokens if it is told so. block_middle is the stream before that; the sites behind it
// have the rows that remain.
void block_forward(const BlockConfig &config, const BlockWeights &block, const TokenMerging &merging,
                   TokenStream &stream, int layer = 0, Observer *observer = nullptr);

// From the grid of a stage to the coarser one of the next: [4T, C / 2] -> [T, C].
RowMatrix merge_patches(const Network &network, const MergingPart &part, const MatrixView &stream, int layer = 0,
                        Observer *observer = nullptr);

// From the residual stream [T, C] after the last block to the logits or features, as the pool says. The stream may be
// cut off behind the rows that the pool reads.
RowVector classify(const Network &network, const MatrixView &stream, Observer *observer = nullptr);
RowVector classify(const Network &network, const TokenStream &stream, Observer *observer = nullptr);

} // namespace intvit::reference
