// Position embeddings of another grid of patches than they were trained for.
#pragma once

#include <cstdint>

#include "models/architectures/weights.hpp"

namespace intvit {

// How bicubic interpolation treats a grid that becomes smaller.
enum class Antialias : std::uint8_t {
  no,  // four neighbours whatever the ratio, a = -0.75: torch's interpolate()
  yes, // the filter widened by the ratio, a = -0.5: the same with antialias, and timm's resample_abs_pos_embed()
};

// The rows of `positions`, one a cell of a from_height x from_width grid, interpolated to a grid of to_height x
// to_width.
RowMatrix resample_positions(const RowMatrix &positions, int from_height, int from_width, int to_height, int to_width,
                             Antialias antialias);

} // namespace intvit
