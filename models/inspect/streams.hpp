// The residual stream of an integer model, at every place where something reads it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/graph/program.hpp"

namespace intvit {

// value = scale[c] * (code - zero[c]), up to a factor that all channels have in common: a model file does not tell it.
struct Stream {
  int value = 0;    // in Program::values
  std::string name; // of the node that writes it
  ElementType type = ElementType::int8;
  int columns = 0;
  std::vector<std::uint8_t> alpha; // int8 codes that a LayerNorm reads: scale[c] = 2^alpha[c]; else empty
  std::vector<double> scale;
  std::vector<double> zero;

  // The values of one image's codes, row by row.
  std::vector<double> dequantize(std::span<const std::byte> codes) const;
};

// In the order in which they are read: by LayerNorms, by a merging of patches before one, or by the mean of the patches
// before the last. The scales of a channel's codes and their zero are in the constants of what reads them.
std::vector<Stream> residual_streams(const Program &program);

} // namespace intvit
