// Numbers on a grid as colours over a photograph.
#pragma once

#include <span>

#include "cli/picture/canvas.hpp"
#include "engine/image/image.hpp"

namespace intvit::cli {

// From 0, dark blue, to 1, yellow; beyond these as at them. Lightness rises evenly, so that it can be read in grey too.
Colour heat_colour(double value);

// The numbers at the two ends of the scale of colours.
struct HeatScale {
  double low = 0;
  double high = 1;
};

// `values`, [grid_height, grid_width], lie over the whole photograph, each in the middle of its cell, with smooth
// transitions. The photograph is seen through them in grey.
Image heat_map(const Image &photograph, std::span<const double> values, int grid_width, int grid_height,
               HeatScale scale);

} // namespace intvit::cli
