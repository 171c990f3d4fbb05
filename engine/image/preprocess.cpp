#include "engine/image/preprocess.hpp"

#include <algorithm>
#include <utility>

#include "engine/image/binary64.hpp"

namespace intvit {
namespace {

// side / (other / target) rounded to the nearest, ties to even, each step in binary64 as in timm's ResizeKeepRatio.
std::int64_t scaled_side(int side, int other, int target) {
  const Binary64 length = binary64(side) / (binary64(other) / binary64(target));
  if (binary64(1 << 30) <= length) // beyond every limit, and soon beyond truncate()'s
    return std::int64_t{side} * target / other;
  const int whole = truncate(length);
  const Binary64 rest = length - binary64(whole);
  const Binary64 half = binary64(1, -1);
  return whole + (half < rest || (half <= rest && whole % 2 != 0) ? 1 : 0);
}

// Computed in 64 bits, because a short side of 1 pixel can make a long one of 65535^2.
std::pair<std::int64_t, std::int64_t> resized_size(int width, int height, const Recipe &recipe) {
  switch (recipe.fit) {
  case Recipe::Fit::none:
    break;
  case Recipe::Fit::exact:
    return {recipe.resize_width, recipe.resize_height};
  case Recipe::Fit::short_side: {
    const std::int64_t side = recipe.resize_width;
    return width <= height ? std::pair(side, side * height / width) : std::pair(side * width / height, side);
  }
  case Recipe::Fit::cover: {
    const int w = recipe.resize_width;
    const int h = recipe.resize_height;
    // The side that needs the larger factor decides.
    return std::int64_t{width} * h < std::int64_t{height} * w
               ? std::pair(std::int64_t{w}, scaled_side(height, width, w))
               : std::pair(scaled_side(width, height, h), std::int64_t{h});
  }
  }
  return {width, height};
}

} // namespace

Preprocessor::AxisCrop Preprocessor::centre_crop(int size, int crop, Recipe::Offset offset) {
  if (size < crop)
    return {0, size, (crop - size) / 2};
  const int excess = size - crop;
  int begin = excess / 2;
  if (offset == Recipe::Offset::half_even && excess % 2 != 0)
    begin += begin % 2;
  return {begin, crop, 0};
}

Status Preprocessor::prepare(int width, int height) {
  if (width == width_ && height == height_)
    return {};
  width_ = 0; // until everything below has succeeded
  Status status = validate(recipe_);
  if (status.ok())
    status = check_image_size(width, height);
  if (!status.ok())
    return status;
  const auto [resized_width, resized_height] = resized_size(width, height, recipe_);
  status = check_image_size(resized_width, resized_height);
  if (!status.ok())
    return status.in("after the resize");

  columns_ = centre_crop(static_cast<int>(resized_width), recipe_.crop_width, recipe_.offset);
  rows_ = centre_crop(static_cast<int>(resized_height), recipe_.crop_height, recipe_.offset);
  status =
      resizer_.prepare(width, height, static_cast<int>(resized_width), static_cast<int>(resized_height), recipe_.filter,
                       {columns_.begin, rows_.begin, columns_.length, rows_.length}, recipe_.order);
  if (status.ok()) {
    width_ = width;
    height_ = height;
  }
  return status;
}

Status Preprocessor::run(Frame frame, std::uint8_t *output) {
  frame.greyed = recipe_.color == Recipe::Color::grey;
  Status status = prepare(frame.width(), frame.height());
  if (status.ok() && !frame.rows_in_place())
    status = resizer_.prepare_conversion();
  if (!status.ok())
    return status;
  const std::ptrdiff_t row_bytes = std::ptrdiff_t{recipe_.crop_width} * 3;
  if (columns_.length < recipe_.crop_width || rows_.length < recipe_.crop_height)
    std::fill_n(output, row_bytes * recipe_.crop_height, std::uint8_t{0});
  resizer_.run(frame, output + rows_.border * row_bytes + std::ptrdiff_t{columns_.border} * 3, row_bytes, *kernels_);
  if (frame.reversed) // channels are resized alike, so the few pixels of the result are cheaper to put right
    for (std::uint8_t *pixel = output; pixel != output + row_bytes * recipe_.crop_height; pixel += 3)
      std::swap(pixel[0], pixel[2]);
  return {};
}

Result<Image> preprocess(const Image &image, const Recipe &recipe, const kernels::KernelTable &kernels) {
  Status status = validate(recipe);
  if (status.ok())
    status = check_pixels(image);
  if (!status.ok())
    return status;
  Result<Image> output = make_image(recipe.crop_width, recipe.crop_height);
  if (!output.ok())
    return output;
  status = Preprocessor(recipe, kernels).run(view(image), output->rgb.data());
  if (!status.ok())
    return status;
  return output;
}

} // namespace intvit
