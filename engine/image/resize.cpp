#include "engine/image/resize.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace intvit {
namespace {

Status check_region(int width, int height, const Region &region) {
  // Compares differences, because sums could overflow.
  if (region.left < 0 || region.top < 0 || region.width < 1 || region.height < 1 || region.width > width ||
      region.height > height || region.left > width - region.width || region.top > height - region.height)
    return Status(StatusCode::bad_argument, "the region to keep (" + std::to_string(region.width) + " x " +
                                                std::to_string(region.height) + " at " + std::to_string(region.left) +
                                                ", " + std::to_string(region.top) + ") is not inside " +
                                                std::to_string(width) + " x " + std::to_string(height) + " pixels");
  return {};
}

kernels::ResampleArgs pass(const ResampleTable &table, const std::vector<kernels::ResampleWindow> &windows,
                           const ImageView &input, std::uint8_t *output, std::ptrdiff_t output_stride,
                           int output_width) {
  return {.input = input.rgb,
          .input_stride = input.row_stride,
          .input_width = input.width,
          .windows = windows.data(),
          .weights = table.weights.data(),
          .weight_stride = static_cast<std::ptrdiff_t>(table.stride),
          .output = output,
          .output_stride = output_stride,
          .output_width = output_width};
}

} // namespace

int ResampleTables::find(int input_size, int output_size, ResizeFilter filter, int first, int count) {
  const std::array<int, 5> of = {input_size, output_size, static_cast<int>(filter), first, count};
  int oldest = 0;
  for (int number = 0; number < most; ++number) {
    Entry &entry = entries_[static_cast<std::size_t>(number)];
    if (entry.asked != 0 && entry.of == of) {
      entry.asked = ++asked_;
      return number;
    }
    if (entry.asked < entries_[static_cast<std::size_t>(oldest)].asked)
      oldest = number;
  }
  Entry &entry = entries_[static_cast<std::size_t>(oldest)];
  entry.asked = 0; // until there is one
  entry.table = resample_table(input_size, output_size, filter, first, count);
  entry.of = of;
  entry.asked = ++asked_;
  return oldest;
}

Status Resizer::prepare(int input_width, int input_height, int width, int height, ResizeFilter filter,
                        const Region &region) {
  Status status = check_image_size(input_width, input_height);
  if (status.ok())
    status = check_image_size(width, height);
  if (status.ok())
    status = check_region(width, height, region);
  if (!status.ok())
    return status;

  region_ = region;
  first_row_ = region.top;
  int row_count = region.height;
  vertical_ = -1;
  if (height != input_height) {
    vertical_ = tables_.find(input_height, height, filter, region.top, region.height);
    vertical_windows_ = tables_[vertical_].windows;
    first_row_ = vertical_windows_.front().first;
    row_count = vertical_windows_.back().first + vertical_windows_.back().count - first_row_;
    for (kernels::ResampleWindow &window : vertical_windows_)
      window.first -= first_row_;
  }
  horizontal_ = -1;
  narrowed_ = {};
  if (width != input_width) {
    horizontal_ = tables_.find(input_width, width, filter, region.left, region.width);
    Result<Image> narrowed = make_image(region.width, row_count);
    if (!narrowed.ok())
      return narrowed.status();
    narrowed_ = std::move(*narrowed);
  }
  return {};
}

void Resizer::run(const ImageView &image, std::uint8_t *output, std::ptrdiff_t output_stride,
                  const kernels::KernelTable &kernels) {
  ImageView rows = image;
  rows.rgb += first_row_ * image.row_stride;
  if (horizontal_ >= 0) {
    const auto stride = static_cast<std::ptrdiff_t>(narrowed_.row_bytes());
    kernels.resample.horizontal(
        pass(tables_[horizontal_], tables_[horizontal_].windows, rows, narrowed_.rgb.data(), stride, region_.width),
        {0, narrowed_.height});
    rows = view(narrowed_);
  } else {
    rows.rgb += static_cast<std::ptrdiff_t>(region_.left) * 3;
    rows.width = region_.width;
  }
  if (vertical_ >= 0)
    kernels.resample.vertical(pass(tables_[vertical_], vertical_windows_, rows, output, output_stride, region_.width),
                              {0, region_.height});
  else
    for (int y = 0; y < region_.height; ++y)
      std::copy_n(rows.rgb + y * rows.row_stride, static_cast<std::ptrdiff_t>(region_.width) * 3,
                  output + y * output_stride);
}

Result<Image> resize(const Image &image, int width, int height, ResizeFilter filter,
                     const kernels::KernelTable &kernels) {
  return resize_region(image, width, height, filter, {0, 0, width, height}, kernels);
}

Result<Image> resize_region(const Image &image, int width, int height, ResizeFilter filter, const Region &region,
                            const kernels::KernelTable &kernels) {
  Status status = check_pixels(image);
  Resizer resizer;
  if (status.ok())
    status = resizer.prepare(image.width, image.height, width, height, filter, region);
  if (!status.ok())
    return status;
  Result<Image> output = make_image(region.width, region.height);
  if (output.ok())
    resizer.run(view(image), output->rgb.data(), static_cast<std::ptrdiff_t>(output->row_bytes()), kernels);
  return output;
}

} // namespace intvit
