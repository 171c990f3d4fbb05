// Turns a picture into a model's input by a recipe.
//
// It follows torchvision's Resize and CenterCrop. The long side becomes floor(short_side * long / short). The crop
// begins at (size - crop) / 2, with halves rounded to even. A picture smaller than the crop gets a black border: (crop
// - size) / 2, rounded down, on the left and at the top.
#pragma once

#include <cstdint>

#include "engine/image/frame.hpp"
#include "engine/image/image.hpp"
#include "engine/image/recipe.hpp"
#include "engine/image/resize.hpp"
#include "kernels/dispatch.hpp"

namespace intvit {

// Allocates only when a picture's size differs from the one before it, or is the first of that size that has to be
// converted; so for a camera only the first frame allocates.
class Preprocessor {
public:
  // `kernels`, usually the model's, do the resize; the bits do not depend on them.
  explicit Preprocessor(const Recipe &recipe, const kernels::KernelTable &kernels = kernels::default_kernels())
      : recipe_(recipe), kernels_(&kernels) {}

  // Writes crop_height x crop_width x 3 bytes, dense: what becomes of the frame's picture as RGB. Requires a valid
  // frame. Errors: those of validate(recipe), check_image_size() and Resizer::prepare(); unsupported if the resized
  // picture would be too large.
  Status run(Frame frame, std::uint8_t *output);
  Status run(const ImageView &image, std::uint8_t *output) { return run(frame_of(image), output); }

private:
  // The part of one axis that a centre crop keeps, and where it goes in the output.
  struct AxisCrop {
    int begin = 0;
    int length = 0;
    int border = 0;
  };
  static AxisCrop centre_crop(int size, int crop, Recipe::Offset offset);
  Status prepare(int width, int height);

  Recipe recipe_;
  const kernels::KernelTable *kernels_;
  int width_ = 0; // of the pictures that it is prepared for; 0: not prepared
  int height_ = 0;
  AxisCrop columns_;
  AxisCrop rows_;
  Resizer resizer_;
};

// Prepares for one picture, runs, and returns crop_width x crop_height pixels. Errors: those of Preprocessor::run(),
// check_pixels() and make_image().
Result<Image> preprocess(const Image &image, const Recipe &recipe,
                         const kernels::KernelTable &kernels = kernels::default_kernels());

} // namespace intvit
