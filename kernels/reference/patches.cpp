// A patch is `patch` rows of `patch` pixels, which stand in the image a whole image row apart.
#include "kernels/reference/reference.hpp"

namespace intvit::kernels::reference {

void patches(const PatchesArgs &args, Range patches) {
  const std::ptrdiff_t image_stride = std::ptrdiff_t{args.width} * 3;
  const std::ptrdiff_t patch_stride = std::ptrdiff_t{args.patch} * 3;
  const int patches_per_row = args.width / args.patch;
  for (int p = patches.begin; p < patches.end; ++p) {
    const std::uint8_t *from = args.rgb + std::ptrdiff_t{p / patches_per_row} * args.patch * image_stride +
                               (p % patches_per_row) * patch_stride;
    std::int8_t *to = args.output + std::ptrdiff_t{p} * args.patch * patch_stride;
    for (int y = 0; y < args.patch; ++y, from += image_stride, to += patch_stride)
      for (std::ptrdiff_t i = 0; i < patch_stride; ++i)
        to[i] = static_cast<std::int8_t>(from[i] - 128);
  }
}

} // namespace intvit::kernels::reference
