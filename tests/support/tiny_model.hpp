// A model small enough to be taken apart byte by byte.
#pragma once

#include <cstddef>
#include <vector>

#include "models/quantize/options.hpp"
#include "tests/support/model_parts.hpp"

namespace intvit::test {

// A model file: 16 x 16 pixels in patches of 8, 16 channels, two blocks of two heads, 5 labelled classes; random
// weights, quantized on random images.
std::vector<std::byte> tiny_model(const QuantizeOptions &options = {});

} // namespace intvit::test
