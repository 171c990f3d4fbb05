#include "tests/engine/image/pictures.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <catch2/catch.hpp>

#include "engine/image/decode.hpp"
#include "tests/support/data.hpp"

namespace intvit::test {
namespace {

std::array<int, 3> pixel(std::string_view name, int x, int y, int width, int height) {
  if (name == "gradient")
    return {255 * x / std::max(width - 1, 1), 255 * y / std::max(height - 1, 1), (x + 2 * y) & 255};
  if (name == "edges")
    return {255 * ((x / 5 + y / 3) & 1), 255 * ((x / 8) & 1), y >= height / 2 ? 255 : 0};
  if (name == "lines")
    return {x % 7 == 3 ? 255 : 20, y % 11 == 5 ? 255 : 0, (x + y) % 13 == 0 ? 255 : 90};
  FAIL("no picture is called " << name);
  return {};
}

} // namespace

Image picture(std::string_view name, int width, int height) {
  Result<Image> image = make_image(width, height);
  REQUIRE(image.ok());
  if (name == "noise") {
    Lcg lcg(static_cast<std::uint32_t>(width * 65536 + height));
    std::generate(image->rgb.begin(), image->rgb.end(), [&] { return lcg.byte(); });
    return *image;
  }
  auto byte = image->rgb.begin();
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (const int channel : pixel(name, x, y, width, height))
        *byte++ = static_cast<std::uint8_t>(channel);
  return *image;
}

void for_each_golden(const std::string &table, int cases, const std::function<void(std::istream &line)> &check) {
  std::ifstream file(source_file("golden/images/" + table));
  REQUIRE(file.is_open());
  int count = 0;
  for (std::string line; std::getline(file, line); ++count) {
    INFO(line);
    std::istringstream fields(line);
    check(fields);
  }
  CHECK(count == cases);
}

void check_golden_pictures(const std::string &table, int cases,
                           const std::function<Result<Image>(const std::string &name)> &decode) {
  for_each_golden(table, cases, [&](std::istream &line) {
    std::string name;
    int width = 0, height = 0;
    std::uint32_t checksum = 0;
    line >> name >> width >> height >> std::hex >> checksum;
    REQUIRE(line);
    const Result<Image> image = decode(name);
    INFO(image.status().message());
    REQUIRE(image.ok());
    CHECK(image->width == width);
    CHECK(image->height == height);
    CHECK(crc32(image->rgb) == checksum);
  });
}

std::string file_content(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file.is_open());
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

Result<Image> decode_text(const std::string &bytes) {
  return decode_image(std::as_bytes(std::span(bytes)), "origin");
}

std::uint32_t crc32(std::span<const std::uint8_t> bytes) {
  std::uint32_t crc = 0xFFFFFFFF;
  for (const std::uint8_t byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320 : 0);
  }
  return ~crc;
}

} // namespace intvit::test
