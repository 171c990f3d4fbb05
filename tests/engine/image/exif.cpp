// EXIF orientations: well-formed blocks, damaged ones, and what is done to the pixels.
#include "engine/image/exif.hpp"

#include <string>

#include <catch2/catch.hpp>

#include "tests/engine/image/pictures.hpp"

using namespace intvit;
using intvit::test::Lcg;

namespace {

using Bytes = std::string;

int orientation_of(const Bytes &bytes) {
  return exif_orientation(std::as_bytes(std::span(bytes)));
}

Bytes segment(char marker, const Bytes &payload) {
  const std::size_t length = payload.size() + 2;
  return Bytes("\xFF") + marker + static_cast<char>(length >> 8) + static_cast<char>(length & 255) + payload;
}

Bytes number(std::uint32_t value, int size, bool big_endian) {
  Bytes bytes;
  for (int i = 0; i < size; ++i)
    bytes += static_cast<char>(value >> 8 * (big_endian ? size - 1 - i : i));
  return bytes;
}

struct Entry {
  std::uint32_t tag = 0x0112;
  std::uint32_t type = 3;
  std::uint32_t count = 1;
  std::uint32_t value = 6;
};

Bytes exif_block(const std::vector<Entry> &entries, bool big_endian, std::uint32_t directory = 8) {
  Bytes bytes("Exif\0\0", 6);
  bytes += (big_endian ? "MM" : "II") + number(42, 2, big_endian) + number(directory, 4, big_endian);
  bytes += number(static_cast<std::uint32_t>(entries.size()), 2, big_endian);
  for (const Entry &entry : entries) {
    bytes += number(entry.tag, 2, big_endian) + number(entry.type, 2, big_endian) + number(entry.count, 4, big_endian);
    const int size = entry.type == 4 ? 4 : 2;
    bytes += number(entry.value, size, big_endian) + Bytes(static_cast<std::size_t>(4 - size), '\0');
  }
  return bytes + number(0, 4, big_endian);
}

Bytes jpeg(const Bytes &segments) {
  return "\xFF\xD8" + segments + "\xFF\xD9";
}

constexpr char app0 = '\xE0';
constexpr char app1 = '\xE1';
constexpr char scan = '\xDA';

} // namespace

TEST_CASE("exif: the orientation is read in both byte orders") {
  for (const bool big_endian : {false, true})
    for (std::uint32_t value = 1; value <= 8; ++value) {
      const int expected = static_cast<int>(value);
      CHECK(orientation_of(jpeg(segment(app1, exif_block({{.value = value}}, big_endian)))) == expected);
      // As a 32-bit number, behind other entries and other segments.
      const std::vector<Entry> entries = {{.tag = 0x010F, .value = 3}, {.type = 4, .value = value}};
      CHECK(orientation_of(jpeg(segment(app0, "JFIF") + segment(app1, "http://ns.adobe.com/xap/1.0/") +
                                segment(app1, exif_block(entries, big_endian)))) == expected);
    }
}

TEST_CASE("exif: the first block counts, and none behind the compressed data") {
  const Bytes six = segment(app1, exif_block({{.value = 6}}, false));
  const Bytes three = segment(app1, exif_block({{.value = 3}}, true));
  CHECK(orientation_of(jpeg(six + three)) == 6);
  CHECK(orientation_of(jpeg(three + six)) == 3);
  CHECK(orientation_of(jpeg(segment(scan, "abcdef") + six)) == 1);
  CHECK(orientation_of(jpeg("\xFF\xFF\xFF" + six.substr(1))) == 6); // fill bytes
}

TEST_CASE("exif: damaged blocks mean upright") {
  const auto in_block = [](const std::vector<Entry> &entries, std::uint32_t directory = 8) {
    return orientation_of(jpeg(segment(app1, exif_block(entries, false, directory))));
  };
  REQUIRE(in_block({{.value = 6}}) == 6);
  CHECK(in_block({}) == 1);
  CHECK(in_block({{.value = 0}}) == 1);
  CHECK(in_block({{.value = 9}}) == 1);
  CHECK(in_block({{.type = 4, .value = 0x10006}}) == 1);
  CHECK(in_block({{.type = 2}}) == 1);
  CHECK(in_block({{.count = 2}}) == 1);
  CHECK(in_block({{.tag = 0x0113}}) == 1);
  for (const std::uint32_t directory : {9U, 20U, 26U, 1000U, 0x7FFFFFFFU, 0xFFFFFFF0U, 0xFFFFFFFFU})
    CHECK(in_block({{.value = 6}}, directory) == 1);

  const Bytes whole = jpeg(segment(app1, exif_block({{.value = 6}}, false)));
  for (const auto &[position, byte] :
       {std::pair<std::size_t, char>{0, 'x'}, {1, 'x'}, {6, 'x'}, {11, 'x'}, {12, 'M'}, {12, 'x'}, {14, 'x'}}) {
    Bytes damaged = whole;
    damaged[position] = byte;
    INFO("byte " << position);
    CHECK(orientation_of(damaged) == 1);
  }
}

TEST_CASE("exif: no bytes are read outside of the file") {
  // Meant for AddressSanitizer: each prefix in its own allocation, then random damage.
  const Bytes whole = jpeg(segment(app1, exif_block({{.tag = 1}, {.value = 6}}, true)));
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    const std::vector<char> prefix(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const int orientation = exif_orientation(std::as_bytes(std::span(prefix)));
    CHECK((orientation == 1 || orientation == 6));
  }
  Lcg lcg(3);
  for (int round = 0; round < 100'000; ++round) {
    std::vector<char> damaged(whole.begin(), whole.end());
    for (int i = lcg.between(1, 4); i > 0; --i)
      damaged[static_cast<std::size_t>(lcg.between(2, static_cast<int>(damaged.size()) - 1))] =
          static_cast<char>(lcg.byte());
    const int orientation = exif_orientation(std::as_bytes(std::span(damaged)));
    REQUIRE((orientation >= 1 && orientation <= 8));
  }
}

TEST_CASE("exif: upright turns and mirrors") {
  // Letters stand for pixels: what is stored is "abc" above "def".
  Image stored = test::picture("noise", 3, 2);
  const std::string letters = "abcdef";
  for (std::size_t i = 0; i < letters.size(); ++i)
    std::fill_n(stored.rgb.begin() + static_cast<std::ptrdiff_t>(i * 3), 3, static_cast<std::uint8_t>(letters[i]));
  const std::vector<std::string> expected = {"abcdef", "cbafed", "fedcba", "defabc",
                                             "adbecf", "daebfc", "fcebda", "cfbead"};
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const Result<Image> result = upright(stored, orientation);
    REQUIRE(result.ok());
    CHECK(result->width == (orientation < 5 ? 3 : 2));
    CHECK(result->height == (orientation < 5 ? 2 : 3));
    std::string seen;
    for (std::size_t i = 0; i < result->rgb.size(); i += 3)
      seen += static_cast<char>(result->rgb[i]);
    CHECK(seen == expected[static_cast<std::size_t>(orientation - 1)]);
  }
}
