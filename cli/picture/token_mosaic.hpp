// Groups of patches as a picture.
#pragma once

#include <span>

#include "engine/image/image.hpp"

namespace intvit::cli {

// The photograph with every group of cells of a grid [grid_height, grid_width] in its mean colour, bordered in white.
// Cells of one group need not touch: they have the same colour.
Image token_mosaic(const Image &photograph, std::span<const int> group, int grid_width, int grid_height);

} // namespace intvit::cli
