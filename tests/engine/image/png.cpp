// PNG files of every kind against Pillow, their chunks, the orientation in them, and damaged ones.
#include "engine/image/png/decoder.hpp"

#include <algorithm>
#include <cstdlib>
#include <string>

#include <catch2/catch.hpp>

#include "engine/image/decode.hpp"
#include "engine/image/exif.hpp"
#include "engine/image/png/chunks.hpp"
#include "engine/image/png/filters.hpp"
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

TEST_CASE("png: every kind of pixels, filters and compression gives the pixels that Pillow gives") {
  check_golden_pictures("png.txt", 46, [](const std::string &name) {
    const std::string file = file_content(source_file("golden/images/png/" + name));
    for (std::size_t size = 0; size + 12 <= file.size(); ++size)
      REQUIRE(decode_text(file.substr(0, size)).status().code() == StatusCode::bad_format);
    return decode_text(file);
  });
  CHECK(crc32(load_image(source_file("../docs/sample/chelsea.png"))->rgb) == 0x0f829d59);
}

TEST_CASE("png: filters are undone alike, however wide a pixel is") {
  Lcg lcg(3);
  for (const std::size_t pixel_bytes : {1U, 2U, 3U, 4U, 6U, 8U})
    for (int kind = 0; kind < 5; ++kind)
      for (const std::size_t pixels : {1U, 2U, 7U, 40U}) {
        CAPTURE(pixel_bytes, kind, pixels);
        const std::size_t count = pixels * pixel_bytes;
        const auto random = [&] {
          std::vector<std::uint8_t> bytes(count + png_row_slack);
          std::generate(bytes.begin(), bytes.end(), [&] { return lcg.byte(); });
          return bytes;
        };
        const std::vector<std::uint8_t> stored = random();
        const std::vector<std::uint8_t> above = random();
        std::vector<std::uint8_t> found(count + png_row_slack);
        REQUIRE(undo_png_filter(kind, stored.data(), above.data(), found.data(), count, pixel_bytes));
        for (std::size_t i = 0; i < count; ++i) {
          const int left = i < pixel_bytes ? 0 : found[i - pixel_bytes];
          const int corner = i < pixel_bytes ? 0 : above[i - pixel_bytes];
          const int up = above[i];
          const int target = left + up - corner;
          const int nearest = std::min({std::abs(target - left), std::abs(target - up), std::abs(target - corner)});
          const int paeth = nearest == std::abs(target - left) ? left : nearest == std::abs(target - up) ? up : corner;
          const int predicted[] = {0, left, up, (left + up) / 2, paeth};
          REQUIRE(found[i] == ((stored[i] + predicted[kind]) & 255));
        }
      }
  std::uint8_t row[16] = {};
  CHECK_FALSE(undo_png_filter(5, row, row, row + 8, 1, 1));
}

TEST_CASE("png: damaged headers, palettes and rows") {
  const auto message = [](const std::string &file) { return decode_text(file).status().message(); };
  const auto changed = [](std::size_t at, char to) {
    std::string file = picture_file();
    file[at] = to;
    return file;
  };
  // Depth, colour type, compression, filter and interlacing are at 24 to 28.
  for (const auto &[at, to] :
       {std::pair<std::size_t, char>{24, 3}, {24, 0}, {24, 4}, {24, 32}, {25, 1}, {25, 5}, {25, 7}})
    CHECK(message(changed(at, to)) == "origin: corrupt picture: a kind of pixels that PNG files do not have");
  for (const std::size_t at : {26U, 27U, 28U}) {
    CHECK(message(changed(at, 2)) == "origin: a PNG file of an unknown kind of compression, filters or interlacing");
    CHECK(decode_text(changed(at, 2)).status().code() == StatusCode::unsupported);
  }
  CHECK(message(changed(4, '\n')) == "origin: corrupt picture: it does not begin as a PNG file");
  CHECK(message(changed(12, 'i')) == "origin: corrupt picture: it does not begin as a PNG file");
  CHECK(message(changed(25, 3)) == "origin: corrupt picture: there is no palette");
  std::string without_end = picture_file();
  without_end.resize(without_end.size() - 12);
  CHECK_THAT(message(without_end), Catch::EndsWith("the file ends before the picture does"));

  const std::string indexed = file_content(source_file("golden/images/decode/palette.png"));
  const std::size_t palette = indexed.find("PLTE") - 4;
  for (const std::size_t size : {0U, 4U, 771U}) {
    std::string file = indexed;
    file.insert(palette, png_chunk("PLTE", std::string(size, 'x')));
    if (size > 255)
      file[palette + 2] = static_cast<char>(size >> 8);
    CHECK(message(file) == "origin: corrupt picture: bad palette");
  }
  // One row of one grey pixel, stored: its filter and the pixel.
  const auto row = [](char filter) {
    return std::string("\x89PNG\r\n\x1A\n") + png_chunk("IHDR", std::string("\0\0\0\1\0\0\0\1\x08\0\0\0\0", 13)) +
           png_chunk("IDAT", std::string("\x78\x9C\x01\x02\0\xFD\xFF", 7) + filter + "*") + png_chunk("IEND", "");
  };
  CHECK(decode_text(row(4))->rgb == std::vector<std::uint8_t>(3, '*'));
  CHECK(message(row(5)) == "origin: corrupt picture: an unknown filter");
}

// As libpng does it: rows that are whole are there.
TEST_CASE("png: damage behind the last row changes nothing") {
  const auto file = [](const std::string &data) {
    return std::string("\x89PNG\r\n\x1A\n") + png_chunk("IHDR", std::string("\0\0\0\1\0\0\0\1\x08\0\0\0\0", 13)) +
           png_chunk("IDAT", data) + png_chunk("IEND", "");
  };
  const std::string row("\x78\x9C\0\x02\0\xFD\xFF\0*", 9); // stored, and not the last block
  CHECK(decode_text(file(row + std::string(20, '\x07')))->rgb == std::vector<std::uint8_t>(3, '*')); // no kind of block
  const Result<Image> short_row = decode_text(file(row.substr(0, 3) + std::string("\1\0\xFE\xFF\0", 5) + '\x07'));
  CHECK(short_row.status().message() == "origin: corrupt picture: bad compressed data");
}

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

TEST_CASE("png: of an animation the first picture is shown") {
  std::string file = picture_file();
  const Image expected = *decode_text(file);
  // Two pictures in an endless loop. The first is the file's own, the second of one pixel that nothing can decompress.
  const auto frame = [](char sequence, char width, char height) {
    return png_chunk("fcTL", std::string("\0\0\0", 3) + sequence + std::string("\0\0\0", 3) + width +
                                 std::string("\0\0\0", 3) + height + std::string(8, '\0') +
                                 std::string("\0\1\0\x0A\0\0", 6));
  };
  file.insert(file.find("IEND") - 4, frame(1, 1, 1) + png_chunk("fdAT", std::string("\0\0\0\2damage", 10)));
  file.insert(file.find("IDAT") - 4,
              png_chunk("acTL", std::string("\0\0\0\2\0\0\0\0", 8)) +
                  frame(0, static_cast<char>(expected.width), static_cast<char>(expected.height)));
  const Result<Image> image = decode_text(file);
  INFO(image.status().message());
  REQUIRE(image.ok());
  CHECK(image->rgb == expected.rgb);
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
