// Position embeddings of another grid of patches than they were trained for.
#pragma once

#include <cstdint>

#include "models/architectures/weights.hpp"

namespace intvit {

// As torch's interpolate() has them.
enum class Resampling : std::uint8_t {
  cubic,              // bicubic: four neighbours whatever the ratio, a = -0.75
  antialiased,        // bicubic with the filter widened by the ratio, a = -0.5: with antialias; timm's
                      // resample_abs_pos_embed()
  linear,             // bilinear: two neighbours whatever the ratio
  aligned,            // the same, where the outer cells stay the outer ones: with align_corners
  antialiased_linear, // bilinear with the filter widened by the ratio: with antialias
};

// The rows of `positions`, one a cell of a from_height x from_width grid, interpolated to a grid of to_height x
// to_width.
RowMatrix resample_positions(const RowMatrix &positions, int from_height, int from_width, int to_height, int to_width,
                             Resampling resampling);

} // namespace intvit
