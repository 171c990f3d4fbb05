// Codes brought to another scale, and added to a stream (docs/numerics.md, "Rescaling").
//
// output[row][c] = requantize(input[row][c]), or add_requantize(input[row][c], stream[row][c]).
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/element_type.hpp"
#include "kernels/range.hpp"
#include "kernels/requantize.hpp"
#include "kernels/residual.hpp"

namespace intvit::kernels {

struct RescaleArgs {
  StreamCodes input; // [rows, channels]; zero points are in the requantization's offset
  int channels = 0;
  Requantization requantization;
  ResidualParameters residual;                 // its stream is null where nothing is added
  void *output = nullptr;                      // [rows, channels]; overlaps no input
  ElementType output_type = ElementType::int8; // or int16
  std::ptrdiff_t output_stride = 0;            // in elements
};

} // namespace intvit::kernels
