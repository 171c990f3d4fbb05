#include "engine/image/resize.hpp"

#include <algorithm>
#include <string>

namespace intvit {
namespace {

Status check(const Image &image, int width, int height, const Region &region) {
  Status status = check_image_size(image.width, image.height);
  if (status.ok())
    status = check_image_size(width, height);
  if (!status.ok())
    return status;
  if (image.rgb.size() != image.row_bytes() * static_cast<std::size_t>(image.height))
    return Status(StatusCode::bad_argument, "a picture of " + std::to_string(image.width) + " x " +
                                                std::to_string(image.height) + " pixels cannot have " +
                                                std::to_string(image.rgb.size()) + " bytes");
  // Differences, because sums could overflow.
  if (region.left < 0 || region.top < 0 || region.width < 1 || region.height < 1 || region.width > width ||
      region.height > height || region.left > width - region.width || region.top > height - region.height)
    return Status(StatusCode::bad_argument, "the region to keep (" + std::to_string(region.width) + " x " +
                                                std::to_string(region.height) + " at " + std::to_string(region.left) +
                                                ", " + std::to_string(region.top) + ") is not inside " +
                                                std::to_string(width) + " x " + std::to_string(height) + " pixels");
  return {};
}

kernels::ResampleArgs pass(const ResampleTable &table, const std::uint8_t *input, int input_width,
                           std::size_t input_row_bytes, Image &output) {
  return {.input = input,
          .input_stride = static_cast<std::ptrdiff_t>(input_row_bytes),
          .input_width = input_width,
          .windows = table.windows.data(),
          .weights = table.weights.data(),
          .weight_stride = static_cast<std::ptrdiff_t>(table.stride),
          .output = output.rgb.data(),
          .output_stride = static_cast<std::ptrdiff_t>(output.row_bytes()),
          .output_width = output.width};
}

} // namespace

Result<Image> resize(const Image &image, int width, int height, ResizeFilter filter,
                     const kernels::KernelTable &kernels) {
  return resize_region(image, width, height, filter, {0, 0, width, height}, kernels);
}

Result<Image> resize_region(const Image &image, int width, int height, ResizeFilter filter, const Region &region,
                            const kernels::KernelTable &kernels) {
  Status status = check(image, width, height, region);
  if (!status.ok())
    return status;
  Result<Image> output = make_image(region.width, region.height);
  if (!output.ok())
    return output;

  // The input rows that the output is made of.
  int first_row = region.top;
  int row_count = region.height;
  ResampleTable vertical;
  if (height != image.height) {
    vertical = resample_table(image.height, height, filter, region.top, region.height);
    first_row = vertical.windows.front().first;
    row_count = vertical.windows.back().first + vertical.windows.back().count - first_row;
    for (kernels::ResampleWindow &window : vertical.windows)
      window.first -= first_row;
  }
  const std::uint8_t *rows = image.rgb.data() + static_cast<std::size_t>(first_row) * image.row_bytes();
  std::size_t row_bytes = image.row_bytes();

  Result<Image> narrowed = Image();
  if (width != image.width) {
    const ResampleTable horizontal = resample_table(image.width, width, filter, region.left, region.width);
    narrowed = make_image(region.width, row_count);
    if (!narrowed.ok())
      return narrowed;
    kernels.resample.horizontal(pass(horizontal, rows, image.width, row_bytes, *narrowed), {0, row_count});
    rows = narrowed->rgb.data();
    row_bytes = narrowed->row_bytes();
  } else {
    rows += static_cast<std::size_t>(region.left) * 3;
  }

  if (height != image.height)
    kernels.resample.vertical(pass(vertical, rows, region.width, row_bytes, *output), {0, region.height});
  else
    for (std::size_t y = 0; y < static_cast<std::size_t>(region.height); ++y)
      std::copy_n(rows + y * row_bytes, output->row_bytes(), output->rgb.data() + y * output->row_bytes());
  return output;
}

} // namespace intvit
