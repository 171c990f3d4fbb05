#include "cli/picture/png.hpp"

#include <new>
#include <vector>

#include "cli/command.hpp"
#include "engine/container/file_io.hpp"

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#include <stb/stb_image_write.h>

namespace intvit::cli {

void write_png(const std::string &path, const Image &image) {
  std::vector<std::byte> bytes;
  const auto append = [](void *context, void *data, int size) {
    const auto *first = static_cast<const std::byte *>(data);
    auto *to = static_cast<std::vector<std::byte> *>(context);
    to->insert(to->end(), first, first + size);
  };
  stbi_write_png_compression_level = 32; // how far it looks for repetitions: a fifth smaller than 8
  constexpr int rgb_channels = 3;
  if (stbi_write_png_to_func(append, &bytes, image.width, image.height, rgb_channels, image.rgb.data(),
                             static_cast<int>(image.row_bytes())) == 0)
    throw std::bad_alloc();
  require(write_file_atomically(path, bytes));
}

} // namespace intvit::cli
