#include "engine/image/resize.hpp"

#include <algorithm>
#include <string>

namespace intvit {
namespace {

// Rows of RGB pixels somewhere in memory.
struct View {
  const std::uint8_t *rgb;
  std::size_t row_bytes;
};

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

} // namespace

Result<Image> resize(const Image &image, int width, int height, ResizeFilter filter) {
  return resize_region(image, width, height, filter, {0, 0, width, height});
}

Result<Image> resize_region(const Image &image, int width, int height, ResizeFilter filter, const Region &region) {
  Status status = check(image, width, height, region);
  if (!status.ok())
    return status;
  Result<Image> output = make_image(region.width, region.height);
  if (!output.ok())
    return output;
  const std::size_t output_row_bytes = output->row_bytes();

  // The source rows that the output is made of.
  int first_row = region.top;
  int row_count = region.height;
  ResampleTable vertical;
  if (height != image.height) {
    vertical = resample_table(image.height, height, filter, region.top, region.height);
    first_row = vertical.windows.front().first;
    row_count = vertical.windows.back().first + vertical.windows.back().count - first_row;
  }
  View rows = {image.rgb.data() + static_cast<std::size_t>(first_row) * image.row_bytes(), image.row_bytes()};

  Result<Image> narrowed = Image();
  if (width != image.width) {
    const ResampleTable horizontal = resample_table(image.width, width, filter, region.left, region.width);
    narrowed = make_image(region.width, row_count);
    if (!narrowed.ok())
      return narrowed;
    for (std::size_t y = 0; y < static_cast<std::size_t>(row_count); ++y)
      kernels::reference::resample_row(rows.rgb + y * rows.row_bytes, horizontal.windows.data(),
                                       horizontal.weights.data(), horizontal.stride, horizontal.windows.size(),
                                       narrowed->rgb.data() + y * output_row_bytes);
    rows = {narrowed->rgb.data(), output_row_bytes};
  } else {
    rows.rgb += static_cast<std::size_t>(region.left) * 3;
  }

  for (std::size_t y = 0; y < static_cast<std::size_t>(region.height); ++y) {
    std::uint8_t *output_row = output->rgb.data() + y * output_row_bytes;
    if (height == image.height) {
      std::copy_n(rows.rgb + y * rows.row_bytes, output_row_bytes, output_row);
      continue;
    }
    const kernels::ResampleWindow window = vertical.windows[y];
    kernels::reference::resample_column(rows.rgb + static_cast<std::size_t>(window.first - first_row) * rows.row_bytes,
                                        rows.row_bytes, vertical.weights.data() + y * vertical.stride,
                                        static_cast<std::size_t>(window.count), output_row_bytes, output_row);
  }
  return output;
}

} // namespace intvit
