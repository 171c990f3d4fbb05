// Integer models with random weights, for benchmarks: as quantize() writes them, in seconds even for the largest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "models/architectures/float_model.hpp"
#include "models/quantize/options.hpp"

namespace intvit {

// The bytes of a model file. int8 weights are uniform in [-127, 127], STLQ weights have uniform codes; requantizations
// follow from the spread that random weights give, so that codes fill their range, residual branches matter and
// attention is neither flat nor a single token. Of `options` only the residual stream, softmax, renormalize and, for
// linear maps of blocks, the format of weights (int8, or stlq by tile) are used. The same seed gives the same bytes on
// every machine. Throws std::runtime_error where `config` is impossible.
std::vector<std::byte> random_model(const ArchitectureConfig &config, const QuantizeOptions &options,
                                    std::uint32_t seed);

} // namespace intvit
