// Resizing as Pillow does it, byte for byte, in integers.
#pragma once

#include "engine/image/image.hpp"
#include "engine/image/resample_table.hpp"
#include "kernels/dispatch.hpp"

namespace intvit {

// Resizes pictures of one size and crops the results, again and again, allocating when it is prepared and never after.
class Resizer {
public:
  // For pictures of input_width x input_height at width x height, of which `region` is kept. Errors: bad_argument if
  // the region is empty or not inside width x height; those of make_image for every size, that of the picture in
  // between (new width, old height) included.
  Status prepare(int input_width, int input_height, int width, int height, ResizeFilter filter, const Region &region);

  // Requires a picture of the prepared size. Writes the region's rows, `output_stride` bytes apart.
  void run(const ImageView &image, std::uint8_t *output, std::ptrdiff_t output_stride,
           const kernels::KernelTable &kernels);

private:
  Region region_;
  // A pass whose size stays is left out: its table has no windows.
  ResampleTable horizontal_;
  ResampleTable vertical_;
  int first_row_ = 0; // of the input rows that the output is made of
  Image narrowed_;    // those rows at the new width
};

// The picture at another size: first each row to the new width, then each column to the new height, with an 8-bit
// picture in between; a pass whose size stays is left out. Equals Image.resize((width, height), filter) of Pillow up to
// 12.1 on RGB pictures (docs/images.md says what later ones changed). The weights are described in resample_table.hpp,
// the sums in kernels/resample.hpp; `kernels` makes them, all with the same bits.
// Errors: bad_argument if `image` does not hold the pixels that its size says; those of make_image for the new size and
// for the picture in between (new width, old height).
Result<Image> resize(const Image &image, int width, int height, ResizeFilter filter,
                     const kernels::KernelTable &kernels = kernels::default_kernels());

// What cropping that result to `region` gives, without computing the rest.
// Errors: also bad_argument if the region is empty or not inside width x height.
Result<Image> resize_region(const Image &image, int width, int height, ResizeFilter filter, const Region &region,
                            const kernels::KernelTable &kernels = kernels::default_kernels());

} // namespace intvit
