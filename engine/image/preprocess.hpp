// From a picture to a model's input, as a recipe says.
//
// Follows torchvision's Resize and CenterCrop: the long side is floor(short_side * long / short); the crop begins at
// (size - crop) / 2, halves to even; a picture smaller than the crop gets a black border, (crop - size) / 2 rounded
// down on the left and at the top.
#pragma once

#include <cstdint>

#include "engine/image/image.hpp"
#include "engine/image/recipe.hpp"
#include "engine/image/resize.hpp"
#include "kernels/dispatch.hpp"

namespace intvit {

// Allocates when a picture has another size than the one before it, and otherwise not: the frames of a camera cost
// nothing but the first.
class Preprocessor {
public:
  // `kernels`, a model's as a rule, resizes; the bits do not depend on them.
  explicit Preprocessor(const Recipe &recipe, const kernels::KernelTable &kernels = kernels::default_kernels())
      : recipe_(recipe), kernels_(&kernels) {}

  // Writes crop_height x crop_width x 3 bytes, dense. Errors: those of validate(recipe), check_image_size() and
  // Resizer::prepare(); unsupported if the resized picture would be too large.
  Status run(const ImageView &image, std::uint8_t *output);

private:
  // What a centre crop takes of one axis, and where it lands in the output.
  struct AxisCrop {
    int begin = 0;
    int length = 0;
    int border = 0;
  };
  static AxisCrop centre_crop(int size, int crop, Recipe::Offset offset);
  Status prepare(int width, int height);

  Recipe recipe_;
  const kernels::KernelTable *kernels_;
  int width_ = 0; // of the pictures it is prepared for; 0: of none
  int height_ = 0;
  AxisCrop columns_;
  AxisCrop rows_;
  Resizer resizer_;
};

// One picture, exactly crop_width x crop_height. Errors: those of Preprocessor::run(), check_pixels() and make_image().
Result<Image> preprocess(const Image &image, const Recipe &recipe,
                         const kernels::KernelTable &kernels = kernels::default_kernels());

} // namespace intvit
