// Walking through JPEG segments, and the Huffman tables that must not reach the decoder.
#include "engine/image/jpeg.hpp"

#include <string>

#include <catch2/catch.hpp>

using namespace intvit;

namespace {

bool valid(const std::string &bytes) {
  return has_valid_huffman_tables(std::as_bytes(std::span(bytes)));
}

// A table with counts[i] codes of i + 1 bits.
std::string table(std::vector<int> counts) {
  counts.resize(16);
  std::string bytes(1, '\0');
  std::size_t codes = 0;
  for (const int count : counts) {
    bytes += static_cast<char>(count);
    codes += static_cast<std::size_t>(count);
  }
  return bytes + std::string(codes, 'c');
}

std::string tables(const std::string &payload) {
  const std::size_t length = payload.size() + 2;
  return "\xFF\xC4" + std::string(1, static_cast<char>(length >> 8)) + static_cast<char>(length & 255) + payload;
}

const std::string start = "\xFF\xD8";
const std::string end = "\xFF\xD9";

} // namespace

TEST_CASE("jpeg: segments are found across padding, compressed data and restart markers") {
  const std::string file = start + std::string("\xFF\xE1\x00\x04xy", 6) + "padding" +
                           std::string("\xFF\xFF\xDA\x00\x03z", 6) + std::string("data\xFF\x00more\xFF\xD0more", 16) +
                           std::string("\xFF\xC4\x00\x09", 4) + "cut";
  JpegSegments segments(std::as_bytes(std::span(file)));
  const std::vector<std::pair<int, std::string>> expected = {{0xE1, "xy"}, {0xDA, "z"}, {0xC4, "cut"}};
  for (const auto &[marker, payload] : expected) {
    const auto segment = segments.next();
    REQUIRE(segment.has_value());
    CHECK(segment->marker == marker);
    CHECK(std::string(reinterpret_cast<const char *>(segment->payload.data()), segment->payload.size()) == payload);
  }
  CHECK_FALSE(segments.next().has_value());
  CHECK_FALSE(segments.next().has_value());
}

TEST_CASE("jpeg: nothing follows the end marker or an impossible length") {
  for (const std::string &file :
       {start, start + end, start + "\xFF", start + "\xFF\xE1", start + std::string("\xFF\xE1\x00", 3),
        start + std::string("\xFF\xE1\x00\x01", 4), start + end + tables(table({1}))}) {
    JpegSegments segments(std::as_bytes(std::span(file)));
    CHECK_FALSE(segments.next().has_value());
  }
}

TEST_CASE("jpeg: Huffman tables are checked") {
  CHECK(valid(start + end));
  CHECK(valid(start + tables(table({0, 1, 5, 1, 1, 1, 1, 1, 1})) + end));
  CHECK(valid(start + tables(table({1}) + table({2})) + end));
  CHECK(valid(start + tables(table({0, 0, 0, 0, 0, 0, 0, 255, 1})) + end)); // 256 codes
  CHECK(valid(start + tables(table({0, 0, 0, 0, 0, 0, 0, 0, 255, 1})) + end));

  CHECK_FALSE(valid(start + tables(table({0, 0, 0, 0, 0, 0, 0, 0, 255, 2})) + end)); // 257 codes
  CHECK_FALSE(valid(start + tables(table({0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 99, 99, 99, 99, 255})) + end));
  CHECK_FALSE(valid(start + tables(table({3})) + end));       // two codes of one bit exist
  CHECK_FALSE(valid(start + tables(table({2, 1})) + end));    // none left for a second bit
  CHECK_FALSE(valid(start + tables(table({0, 0, 9})) + end)); // eight codes of three bits exist
  CHECK_FALSE(valid(start + tables(table({1}) + "rest") + end));
  CHECK_FALSE(valid(start + tables(std::string(16, '\0')) + end));
  const std::string missing_codes = table({0, 3}).substr(0, 19);
  CHECK_FALSE(valid(start + tables(missing_codes) + end));
  // Behind compressed data, where progressive files have tables too.
  CHECK_FALSE(valid(start + std::string("\xFF\xDA\x00\x02", 4) + "data" + tables(table({3})) + end));
  CHECK_FALSE(valid(start + "padding\xFF\xFF" + tables(table({3})) + end));
}
