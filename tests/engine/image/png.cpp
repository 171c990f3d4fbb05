// Chunks of PNG files: where they end, and the orientation in them.
#include "engine/image/png.hpp"

#include <string>

#include <catch2/catch.hpp>

#include "engine/image/exif.hpp"
#include "tests/engine/image/pictures.hpp"
#include "tests/support/data.hpp"

using namespace intvit;
using namespace intvit::test;

namespace {

std::string picture_file() {
  return file_content(source_file("golden/images/decode/rgb.png"));
}

// Below 256 bytes; checksums are not looked at.
std::string png_chunk(const std::string &type, const std::string &data) {
  return std::string("\0\0\0", 3) + static_cast<char>(data.size()) + type + data + "sum.";
}

std::string orientation_block(int value) {
  return std::string("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0", 19) + static_cast<char>(value) +
         std::string(6, '\0');
}

} // namespace

TEST_CASE("png: what follows the end is ignored") {
  const std::string file = picture_file();
  const Image expected = *decode_text(file);
  for (const std::string &tail :
       {std::string("and anything"), std::string(20, '\xFF'), png_chunk("eXIf", orientation_block(6))}) {
    const Result<Image> image = decode_text(file + tail);
    INFO(image.status().message());
    REQUIRE(image.ok());
    CHECK(image->width == expected.width);
    CHECK(image->rgb == expected.rgb);
  }
}

TEST_CASE("png: pictures are turned upright") {
  const std::string file = picture_file();
  const Image stored = *decode_text(file);
  const std::size_t data = file.find("IDAT") - 4;
  const std::size_t end = file.find("IEND") - 4;
  for (const std::size_t at : {data, end})
    for (int value = 1; value <= 8; ++value) {
      INFO(value);
      std::string turned = file;
      turned.insert(at, png_chunk("eXIf", orientation_block(value)));
      const Result<Image> image = decode_text(turned);
      REQUIRE(image.ok());
      const Image expected = *upright(stored, value);
      CHECK(image->width == expected.width);
      CHECK(image->rgb == expected.rgb);
    }
}

TEST_CASE("png: chunks stay inside the bytes") {
  const std::string file = picture_file();
  PngChunks chunks(std::as_bytes(std::span(file)));
  std::string types;
  while (const auto next = chunks.next())
    types += std::string(next->type) + " ";
  CHECK(types == "IHDR IDAT IEND ");
  CHECK_FALSE(chunks.is_cut());
  for (std::size_t size = 0; size < file.size(); ++size) {
    PngChunks cut(std::as_bytes(std::span(file).first(size)));
    while (const auto next = cut.next())
      REQUIRE(next->data.data() + next->data.size() <= std::as_bytes(std::span(file)).data() + size);
  }
}
