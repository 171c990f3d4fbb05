#include "engine/image/image.hpp"

#include <new>
#include <string>

namespace intvit {
namespace {

std::string size_text(std::int64_t width, std::int64_t height) {
  return std::to_string(width) + " x " + std::to_string(height) + " pixels";
}

} // namespace

Status check_image_size(std::int64_t width, std::int64_t height) {
  if (width < 1 || height < 1)
    return Status(StatusCode::unsupported, "a picture of " + size_text(width, height) + " is empty");
  if (width > max_image_side || height > max_image_side || width * height > max_image_pixels)
    return Status(StatusCode::unsupported, "a picture of " + size_text(width, height) + " is too large: at most " +
                                               std::to_string(max_image_side) + " a side and " +
                                               std::to_string(max_image_pixels) + " pixels are supported");
  return {};
}

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

Status check_pixels(const Image &image) {
  Status status = check_image_size(image.width, image.height);
  if (status.ok() && image.rgb.size() != image.row_bytes() * static_cast<std::size_t>(image.height))
    return Status(StatusCode::bad_argument, "a picture of " + size_text(image.width, image.height) + " cannot have " +
                                                std::to_string(image.rgb.size()) + " bytes");
  return status;
}

Status no_memory_for_image(std::int64_t width, std::int64_t height) {
  return Status(StatusCode::unsupported, "not enough memory for a picture of " + size_text(width, height));
}

Result<Image> make_image(std::int64_t width, std::int64_t height) {
  Status status = check_image_size(width, height);
  if (!status.ok())
    return status;
  Image image;
  image.width = static_cast<int>(width);
  image.height = static_cast<int>(height);
  // The size comes from a file's header. A small file must not be able to end the process by claiming a large picture.
  try {
    image.rgb.resize(image.row_bytes() * static_cast<std::size_t>(height));
  } catch (const std::bad_alloc &) {
    return no_memory_for_image(width, height);
  }
  return image;
}

} // namespace intvit
