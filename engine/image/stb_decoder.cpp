#include "engine/image/stb_decoder.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_BMP
#define STBI_ONLY_GIF
#define STBI_NO_HDR
#define STBI_NO_LINEAR
#define STBI_NO_STDIO
#define STBI_FAILURE_USERMSG
// A damaged file must not end the process, and it must give the same pixels every time. So memory that it leaves unset
// is 0.
#define STBI_ASSERT(condition) static_cast<void>(0)
#define STBI_MALLOC(size) std::calloc(1, size)
#define STBI_REALLOC(memory, size) std::realloc(memory, size)
#define STBI_FREE(memory) std::free(memory)
#include <stb/stb_image.h>

#include "engine/image/damage.hpp"

namespace intvit {
namespace {

// A file in memory, which stb_image reads piece by piece. At the end of a BMP file stb_image would go on with zeros;
// `overrun` tells that it needed more bytes than there are.
struct Source {
  std::span<const std::byte> rest;
  bool overrun = false;
};

// stb_image reads ahead in pieces of this size, so only such a piece may be shorter; any other number of bytes is
// needed in full.
constexpr int advance_bytes = sizeof(stbi__context::buffer_start);

int read(void *user, char *data, int size) {
  auto *source = static_cast<Source *>(user);
  const std::size_t count = std::min(static_cast<std::size_t>(size), source->rest.size());
  source->overrun |= source->rest.empty() || (count < static_cast<std::size_t>(size) && size != advance_bytes);
  std::memcpy(data, source->rest.data(), count);
  source->rest = source->rest.subspan(count);
  return static_cast<int>(count);
}

void skip(void *user, int count) {
  auto *source = static_cast<Source *>(user);
  source->rest = source->rest.subspan(std::min(static_cast<std::size_t>(std::max(count, 0)), source->rest.size()));
}

int at_end(void *user) {
  return static_cast<Source *>(user)->rest.empty() ? 1 : 0;
}

constexpr stbi_io_callbacks callbacks = {read, skip, at_end};

struct Free {
  void operator()(stbi_uc *pixels) const { stbi_image_free(pixels); }
};

// stb_image's messages for failures that are not the file's fault.
constexpr std::string_view out_of_memory = "Out of memory";

Status corrupt(const Source &source, const char *reason) {
  std::string message = "corrupt picture";
  if (reason != nullptr)
    message += std::string(": ") + reason;
  if (source.overrun)
    message += std::string(": ") + file_ends_early;
  return Status(StatusCode::bad_format, message);
}

} // namespace

Result<ImageSize> stb_size(std::span<const std::byte> file) {
  Source source{file};
  int width = 0;
  int height = 0;
  int channels = 0;
  if (stbi_info_from_callbacks(&callbacks, &source, &width, &height, &channels) == 0)
    return corrupt(source, stbi_failure_reason());
  if (source.overrun)
    return corrupt(source, nullptr);
  // A BMP file's height is negative if its first row is the top one.
  return ImageSize{width, height < 0 ? -std::int64_t{height} : height};
}

Result<Image> stb_decode(std::span<const std::byte> file, ImageSize size) {
  constexpr int rgb_channels = 3;
  Source source{file};
  int width = 0;
  int height = 0;
  int channels_in_file = 0;
  const std::unique_ptr<stbi_uc, Free> pixels(
      stbi_load_from_callbacks(&callbacks, &source, &width, &height, &channels_in_file, rgb_channels));
  if (const char *reason = stbi_failure_reason(); pixels == nullptr)
    return reason != nullptr && reason == out_of_memory ? no_memory_for_image(size.width, size.height)
                                                        : corrupt(source, reason);
  if (source.overrun)
    return corrupt(source, nullptr);
  Result<Image> image = make_image(width, height);
  if (image.ok())
    std::copy_n(pixels.get(), image->rgb.size(), image->rgb.begin());
  return image;
}

} // namespace intvit
