// Samples of activations from calibration images, gathered block by block from the float reference.
#pragma once

#include <array>
#include <span>
#include <utility>
#include <vector>

#include "engine/image/image.hpp"
#include "models/architectures/vit.hpp"
#include "models/reference/observer.hpp"

namespace intvit {

// What was seen of one activation [tokens, channels]. The images are parted into two halves, so that a choice made from
// one half can be judged on the other, which it has not seen.
struct SiteSamples {
  std::array<RowMatrix, 2> rows;    // some of the tokens, always the class token first of every image
  std::array<RowVector, 2> minimum; // per channel, over all tokens
  std::array<RowVector, 2> maximum;

  RowVector overall_minimum() const { return minimum[0].cwiseMin(minimum[1]); }
  RowVector overall_maximum() const { return maximum[0].cwiseMax(maximum[1]); }
};

// The activations of one block (or of the end of the network) that a quantizer needs.
using BlockSamples = std::vector<std::pair<reference::SiteKind, SiteSamples>>;

// The samples of a kind; std::out_of_range where they were not gathered.
const SiteSamples &samples_of(const BlockSamples &samples, reference::SiteKind kind);

// Walks the network once, all images side by side, one block at a time.
class Calibration {
public:
  // `images` are of the model's input size and at least one. Keeps references to both.
  Calibration(const VitModel &model, std::span<const Image> images, int threads);

  // The residual stream as it is now: before the first block, or after the last one that was run.
  SiteSamples stream() const;

  // Runs the next block on all images. With `class_token_only`, samples everything after the attention from the class
  // token alone, as is right for the last block.
  BlockSamples run_block(bool class_token_only);

  // After the last block: final_normalized.
  BlockSamples run_head();

private:
  class Collector;

  const VitModel &model_;
  std::span<const Image> images_;
  int threads_;
  int next_block_ = 0;
  std::vector<RowMatrix> streams_; // one an image
};

} // namespace intvit
