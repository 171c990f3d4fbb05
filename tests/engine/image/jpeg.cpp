// Walking through JPEG segments, and what headers must not say.
#include "engine/image/jpeg/segments.hpp"

#include <string>

#include <catch2/catch.hpp>

#include "engine/image/jpeg/headers.hpp"

using namespace intvit;

namespace {

std::span<const std::byte> bytes_of(const std::string &text) {
  return std::as_bytes(std::span(text));
}

bool valid(const std::string &huffman_tables) {
  JpegTables tables;
  return read_tables(0xC4, bytes_of(huffman_tables), tables).ok();
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
  CHECK(valid(""));
  CHECK(valid(table({0, 1, 5, 1, 1, 1, 1, 1, 1})));
  CHECK(valid(table({1}) + table({2})));
  CHECK(valid(table({0, 0, 0, 0, 0, 0, 0, 255, 1}))); // 256 codes
  CHECK(valid(table({0, 0, 0, 0, 0, 0, 0, 0, 255, 1})));

  CHECK_FALSE(valid(table({0, 0, 0, 0, 0, 0, 0, 0, 255, 2}))); // 257 codes
  CHECK_FALSE(valid(table({0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 99, 99, 99, 99, 255})));
  CHECK_FALSE(valid(table({3})));       // two codes of one bit exist
  CHECK_FALSE(valid(table({2, 1})));    // none left for a second bit
  CHECK_FALSE(valid(table({0, 0, 9}))); // eight codes of three bits exist
  CHECK_FALSE(valid(table({1}) + "rest"));
  CHECK_FALSE(valid(std::string(16, '\0')));
  CHECK_FALSE(valid(table({0, 3}).substr(0, 19)));
  CHECK_FALSE(valid("\x04" + table({1}).substr(1))); // there are four tables of each class
  CHECK_FALSE(valid("\x20" + table({1}).substr(1))); // and two classes
}

// libjpeg takes shorter segments for something else, and then the components' names say what the colours are.
TEST_CASE("jpeg: a JFIF marker has at least 14 bytes") {
  const std::string payload("JFIF\0\1\2\0\0\1\0\1\0\0", 14);
  const auto has_jfif = [](const std::string &bytes) {
    JpegTables tables;
    REQUIRE(read_tables(jpeg_marker::app0, bytes_of(bytes), tables).ok());
    return tables.has_jfif;
  };
  CHECK(has_jfif(payload));
  CHECK(has_jfif(payload + "thumbnail"));
  CHECK_FALSE(has_jfif(payload.substr(0, 13)));
  CHECK_FALSE(has_jfif(payload.substr(0, 12)));
}

TEST_CASE("jpeg: frames that are not decoded, and impossible ones") {
  const auto message = [](int marker, const std::string &payload) {
    return read_frame(static_cast<std::uint8_t>(marker), bytes_of(payload)).status().message();
  };
  // Precision, height, width, components of name, sampling and table.
  const std::string grey("\x08\0\x10\0\x08\x01\x01\x11\x00", 9);
  CHECK(message(0xC0, grey).empty());
  CHECK(message(0xC1, grey).empty());
  CHECK(message(0xC2, grey).empty());
  CHECK(message(0xC3, grey) == "lossless JPEG is not decoded");
  CHECK(message(0xC9, grey) == "JPEG with arithmetic coding is not decoded");
  CHECK(message(0xC5, grey) == "hierarchical JPEG, or lossless with arithmetic coding is not decoded");
  CHECK(message(0xC0, "\x0C" + grey.substr(1)) == "JPEG with samples of 12 bits is not decoded");
  CHECK(message(0xC0, std::string("\x08\0\x10\0\x08\x02\x01\x11\x00\x02\x11\x00", 12)) ==
        "JPEG with 2 components is not decoded, only with 1, 3 or 4");
  CHECK(message(0xC0, std::string("\x08\0\x10\0\x08\x03\x01\x31\x00\x02\x21\x00\x03\x11\x00", 15)) ==
        "JPEG with components sampled in a ratio that is no whole number is not decoded");
  CHECK(message(0xC0, std::string("\x08\0\0\0\x08\x01\x01\x11\x00", 9)) ==
        "JPEG whose height comes behind its first scan (DNL) is not decoded");
  CHECK(message(0xC0, grey.substr(0, 4)) == "corrupt picture: a frame header is cut short");
  CHECK(message(0xC0, grey + "x") == "corrupt picture: bad frame header");
  CHECK(message(0xC0, grey.substr(0, 8)) == "corrupt picture: bad frame header");
  CHECK(message(0xC0, grey.substr(0, 7) + std::string("\x50\0", 2)) == "corrupt picture: bad sampling factors");
  CHECK(message(0xC0, grey.substr(0, 7) + std::string("\x10\0", 2)) == "corrupt picture: bad sampling factors");
  CHECK(message(0xC0, grey.substr(0, 8) + "\x04") == "corrupt picture: bad quantization table");
}

TEST_CASE("jpeg: scan headers are checked") {
  const std::string three("\x08\0\x10\0\x08\x03\x01\x44\x00\x02\x11\x00\x03\x11\x00", 15);
  const auto valid_scan = [&](int marker, const std::string &payload) {
    return read_scan(bytes_of(payload), *read_frame(static_cast<std::uint8_t>(marker), bytes_of(three))).ok();
  };
  CHECK(valid_scan(0xC0, std::string("\x01\x01\x00\x00\x3F\x00", 6)));
  CHECK(valid_scan(0xC0, std::string("\x02\x02\x11\x03\x33\x00\x00\x00", 8))); // the last three say nothing
  CHECK_FALSE(valid_scan(0xC0, std::string("\x03\x01\x00\x02\x11\x03\x11\x00\x3F\x00", 10))); // 18 blocks an MCU
  CHECK_FALSE(valid_scan(0xC0, std::string("\x01\x04\x00\x00\x3F\x00", 6)));                  // no component 4
  CHECK_FALSE(valid_scan(0xC0, std::string("\x02\x02\x00\x02\x00\x00\x3F\x00", 8)));          // one twice
  CHECK_FALSE(valid_scan(0xC0, std::string("\x01\x01\x40\x00\x3F\x00", 6)));                  // no such table
  CHECK_FALSE(valid_scan(0xC0, std::string("\x01\x01\x00\x00\x3F", 5)));
  CHECK_FALSE(valid_scan(0xC0, std::string("\0\x00\x3F\x00", 4)));

  const auto progressive = [&](const std::string &parameters) {
    return valid_scan(0xC2, std::string("\x01\x02\x00", 3) + parameters);
  };
  CHECK(progressive(std::string("\x00\x00\x01", 3)));
  CHECK(progressive(std::string("\x01\x3F\x21", 3)));
  CHECK_FALSE(progressive(std::string("\x00\x3F\x00", 3))); // DC and AC together
  CHECK_FALSE(progressive(std::string("\x05\x04\x00", 3)));
  CHECK_FALSE(progressive(std::string("\x01\x40\x00", 3)));
  CHECK_FALSE(progressive(std::string("\x01\x3F\x31", 3))); // two bits at once
  CHECK_FALSE(progressive(std::string("\x01\x3F\x0E", 3)));
  CHECK_FALSE(valid_scan(0xC2, std::string("\x02\x02\x00\x03\x00\x01\x3F\x00", 8))); // AC of two components
}
