// The residual stream of an integer model, at every place where something reads it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/graph/program.hpp"

namespace intvit {

// value = scale[c] * (code - zero[c]), but for a factor that is the same for all channels and is not in the model file.
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

// The streams in the order in which they are read: by a LayerNorm, by a merging of patches before a LayerNorm, or by
// the mean of the patches before the last one. Scales and zeros of a stream's codes are constants of the node that
// reads them.
std::vector<Stream> residual_streams(const Program &program);

} // namespace intvit
