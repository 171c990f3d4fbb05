// How the values inside an integer model are spread: what makes Vision Transformers hard to quantize, and what the
// Power-of-Two Factor and Log-Int-Softmax are for (FQ-ViT, arXiv 2111.13824).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/runtime/model.hpp"

namespace intvit {

// The channels of a LayerNorm's input, over all tokens of all images. Values are counted in steps of the finest channel
// of this stream (or of its 16-bit codes), because the model file does not say how large a step is.
struct StreamRanges {
  std::string name; // of the node that writes the stream
  std::vector<double> low;
  std::vector<double> high;
  std::vector<std::uint8_t> alpha; // ptf8: the factor of a channel is 2^alpha; else empty

  // The widest channel's high - low over the median channel's.
  double spread() const;
};

// The attention weights of a block, over all heads, queries and images.
struct WeightHistogram {
  // Bin k counts weights above 2^-(k+1), up to 2^-k; the last also smaller ones above 0.
  static constexpr std::size_t log2_bins = 24;

  std::string name; // of the node
  std::array<std::uint64_t, log2_bins> count{};
  // The sum of the weights in the bin, in units of 2^-32. As integers they add up to the same in any order.
  std::array<std::uint64_t, log2_bins> sum{};
  std::uint64_t zeros = 0;

  void add(double weight);
  void add(const WeightHistogram &other); // but for the name
  std::uint64_t total() const;
  // The share of the weights that are at most 2^-bin, zeros among them.
  double share_below(std::size_t bin) const;
};

struct Distribution {
  std::size_t images = 0; // that could be read
  std::vector<StreamRanges> streams;
  std::vector<WeightHistogram> blocks;
  std::vector<std::string> errors; // a message for every image that could not be read
};

// `progress` is called with the number of images done, from any thread but never from two at once.
Distribution distribution(const std::shared_ptr<const Model> &model, std::span<const std::string> images,
                          const Recipe &recipe, int threads, const std::function<void(std::size_t done)> &progress);

} // namespace intvit
