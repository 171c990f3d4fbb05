// Cutting an image into patches on vectors (docs/numerics.md, "Patch embedding"): a patch's rows are copied one after
// the other, and pixels become int8 on the way.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/patches.hpp"
#include "kernels/vector/operations.hpp"

namespace intvit::kernels::vector {

template <ImageOperations V> class PatchRows {
public:
  static void run(const PatchesArgs &args, Range patches) {
    const std::ptrdiff_t image_stride = std::ptrdiff_t{args.width} * 3;
    const std::ptrdiff_t patch_stride = std::ptrdiff_t{args.patch} * 3;
    const int patches_per_row = args.width / args.patch;
    for (int p = patches.begin; p < patches.end; ++p) {
      const std::uint8_t *from = args.rgb + std::ptrdiff_t{p / patches_per_row} * args.patch * image_stride +
                                 (p % patches_per_row) * patch_stride;
      std::int8_t *to = args.output + std::ptrdiff_t{p} * args.patch * patch_stride;
      for (int y = 0; y < args.patch; ++y, from += image_stride, to += patch_stride) {
        std::ptrdiff_t i = 0;
        for (; i + 16 <= patch_stride; i += 16)
          V::subtract_128(from + i, to + i);
        for (; i < patch_stride; ++i)
          to[i] = static_cast<std::int8_t>(from[i] - 128);
      }
    }
  }
};

} // namespace intvit::kernels::vector
