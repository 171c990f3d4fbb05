// Diagrams of how the values inside a model are spread (docs/pictures.md).
#pragma once

#include <string>

#include "models/inspect/distribution.hpp"

namespace intvit::cli {

// Every channel's range in one LayerNorm input, in units of the median channel's width, coloured by its factor.
std::string channel_ranges_svg(const StreamRanges &stream);

// Every LayerNorm input: how much wider its widest channel is than the median one, and below that, where there are
// Power-of-Two Factors, how many channels have which.
std::string layers_svg(const Distribution &distribution);

// All blocks' attention weights by their power of two: how many there are, and how much of the sum they hold.
std::string attention_weights_svg(const Distribution &distribution);

} // namespace intvit::cli
