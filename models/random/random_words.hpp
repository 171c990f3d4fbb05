// Random weights of four bits, for benchmarks.
#pragma once

#include <random>

#include "engine/ops/four_bits_storage.hpp"

namespace intvit {

// Words of weights that spread as trained ones do; the share `two_word_ratio` of the groups, to the nearest, has second
// words.
FourBitWeights random_word_weights(const FourBitStorage &storage, int out_features, int in_features,
                                   double two_word_ratio, std::mt19937 &generator);

// Their standard deviation as decoded weights.
double random_word_spread(const FourBitStorage &storage, double two_word_ratio);

} // namespace intvit
