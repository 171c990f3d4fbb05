// Samples of activations from calibration images, gathered block by block from the float reference.
#pragma once

#include <array>
#include <functional>
#include <initializer_list>
#include <span>
#include <utility>
#include <vector>

#include "engine/image/image.hpp"
#include "models/architectures/block.hpp"
#include "models/reference/merging.hpp"
#include "models/reference/observer.hpp"

namespace intvit {

// What was seen of one activation [tokens, channels]. The images are split into two halves, so that a choice that was
// made on one half can be judged on the other.
struct SiteSamples {
  // Some of the tokens, equally many of each image, one image after the other. An image's first row is its class token.
  std::array<RowMatrix, 2> rows;
  std::array<RowMatrix, 2> minimum; // [images, channels], over all tokens
  std::array<RowMatrix, 2> maximum;
  std::array<std::vector<int>, 2> tokens; // which token each row is of its image

  // What the rows weigh, of mean 1, and what an error costs in the outputs of the linear map that reads this; empty:
  // all the same. See ErrorCosts.
  std::array<Eigen::ArrayXd, 2> row_weights;
  Eigen::ArrayXd output_costs;

  // The first token of an image comes to weigh as much as all its others together.
  void weigh_class_token();

  RowVector overall_minimum() const {
    return minimum[0].colwise().minCoeff().cwiseMin(minimum[1].colwise().minCoeff());
  }
  RowVector overall_maximum() const {
    return maximum[0].colwise().maxCoeff().cwiseMax(maximum[1].colwise().maxCoeff());
  }
};

// The activations of one block (or of the end of the network) that a quantizer needs.
using BlockSamples = std::vector<std::pair<reference::SiteKind, SiteSamples>>;

// Several activations of the same tokens as one, whose channels are those of all.
SiteSamples side_by_side(std::span<const SiteSamples *const> parts);

// The samples of a kind; std::out_of_range where they were not gathered.
const SiteSamples &samples_of(const BlockSamples &samples, reference::SiteKind kind);

// Whether all are one picture; and whether none shows more than one colour, of which no range can be learned.
bool all_the_same(std::span<const Image> images);
bool all_of_one_colour(std::span<const Image> images);

// Walks the network once, all images side by side, one step at a time.
class Calibration {
public:
  // Part of the forward of one image; what it does is reported to `observer`.
  using Embed = std::function<RowMatrix(const Image &image, reference::Observer &observer)>;
  using Step = std::function<RowMatrix(const reference::TokenStream &stream, reference::Observer &observer)>;

  // `images` are of the model's input size and at least one. Keeps a reference.
  Calibration(std::span<const Image> images, int threads);

  // The first step: makes the residual stream of every image.
  BlockSamples embed(std::initializer_list<reference::SiteKind> kinds, const Embed &embed);

  // The residual stream as it is now.
  SiteSamples stream() const;

  // Replaces the rows of every residual stream by what `step` makes of them.
  BlockSamples run(std::initializer_list<reference::SiteKind> kinds, const Step &step);

  // Runs a block. With `kept_rows` > 0 only that many of the first tokens go on after the attention, and only they are
  // sampled there. That is right for a last block whose other tokens are not used.
  BlockSamples run_block(const BlockConfig &config, const BlockWeights &block, int kept_rows = 0,
                         const TokenMerging &merging = {});

private:
  class Collector;

  std::span<const Image> images_;
  int threads_;
  std::vector<reference::TokenStream> streams_; // one for each image
};

} // namespace intvit
