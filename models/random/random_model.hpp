// Integer models with random weights, for benchmarks. They have the nodes that quantize() writes, and are made in
// seconds even for the largest architecture.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/linear.hpp"
#include "kernels/softmax.hpp"
#include "models/architectures/float_model.hpp"
#include "models/quantize/options.hpp"

namespace intvit {

struct RandomModelOptions {
  ResidualFormat residual = ResidualFormat::int16;
  kernels::Softmax softmax = kernels::Softmax::int16;
  bool renormalize = true; // see Attention
  // Of the blocks' linear maps; all else is int8.
  WeightLevels weight_levels = WeightLevels::int8;
  double two_word_ratio = 0.15; // stlq, int4: the part of the groups that has second words
  TokenSchedule tokens;         // that are merged
  bool patch_tokens = false;    // see QuantizeOptions
};

// The bytes of a model file. int8 weights are uniform in [-127, 127], int7 weights bell-shaped, STLQ weights have
// uniform codes; requantizations follow from the spread that random weights give, so that codes fill their range,
// residual branches matter and attention is neither flat nor a single token. The same seed gives the same bytes on
// every machine. Throws std::runtime_error where `config` is impossible.
std::vector<std::byte> random_model(const ArchitectureConfig &config, const RandomModelOptions &options,
                                    std::uint32_t seed);

} // namespace intvit
