// The constants of a random graph's nodes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/graph/builder.hpp"
#include "tests/fuzz/choices.hpp"

namespace intvit::fuzz {

// What a requantization is made for: the largest values that the loader reckons with, and typical ones.
struct Magnitudes {
  std::vector<std::uint64_t> bound; // a channel
  double typical = 1;
};

class GraphConstants {
public:
  GraphConstants(Choices &choices, GraphBuilder &graph) : choices_(choices), graph_(graph) {}

  // Weights of a linear map, int8 or STLQ.
  Magnitudes weights(const std::string &node, int out, int in);

  // multiplier and offset, so that typical values come out around `spread`. Returns the shift. `residual`: what is
  // added to each channel's product at most, as a function of the shift.
  struct Residual {
    int shift = 0;                  // of what is added
    std::int64_t largest = 0;       // before the shift: 2^7 or 2^15; 0: nothing is added
    double typical = 40;            // likewise
    const char *constant = nullptr; // the name of its multiplier
  };
  int requantization(const std::string &node, const Magnitudes &values, double spread) {
    return requantization(node, values, spread, Residual{});
  }
  int requantization(const std::string &node, const Magnitudes &values, double spread, const Residual &residual);

  // score_shift and score_multiplier, of any spread that fits, with what is added to scores.
  struct ScoreBiases {
    std::uint64_t bias_range = 0;
    bool masked = false;  // what masks windows
    int largest_size = 0; // of tokens that have been merged; 0: there are none
  };
  void scores(const std::string &node, Attention &operation, int head_dim, const ScoreBiases &biases);

  template <typename T>
  void values(const std::string &node, const char *suffix, std::vector<std::int64_t> shape, T low, T high) {
    std::size_t count = 1;
    for (const std::int64_t length : shape)
      count *= static_cast<std::size_t>(length);
    graph_.constant(node, suffix, choices_.elements().values<T>(count, low, high), std::move(shape));
  }

  template <typename T> void prefix_tokens(const std::string &node, int rows, int channels, T low, T high) {
    const std::size_t count = static_cast<std::size_t>(rows) * static_cast<std::size_t>(channels);
    graph_.prefix_tokens(node, rows, channels, choices_.elements().values<T>(count, low, high));
  }

private:
  Choices &choices_;
  GraphBuilder &graph_;
};

} // namespace intvit::fuzz
