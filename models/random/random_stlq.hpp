// Random STLQ weights, for benchmarks.
#pragma once

#include <random>

#include "engine/ops/stlq_weights.hpp"

namespace intvit {

// Words of weights that spread as trained ones do; the share `two_word_ratio` of the tiles, to the nearest, has second
// words.
StlqWeights random_stlq_weights(int out_features, int in_features, double two_word_ratio, std::mt19937 &generator);

// Their standard deviation, in units of 2^-7.
double random_stlq_spread(double two_word_ratio);

} // namespace intvit
