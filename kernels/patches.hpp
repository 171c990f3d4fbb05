// Cutting an image into patches (docs/numerics.md, "Patch embedding").
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/range.hpp"

namespace intvit::kernels {

struct PatchesArgs {
  const std::uint8_t *rgb = nullptr; // [height, width, 3], dense
  int width = 0;                     // pixels; what fills no patch at the right is left out
  int patch = 0;                     // side of a patch in pixels
  // [patches, patch * patch * 3]: every patch's rows of pixels one after the other, as pixel - 128.
  std::int8_t *output = nullptr;
};

} // namespace intvit::kernels
