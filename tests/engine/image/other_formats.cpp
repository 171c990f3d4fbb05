// Formats that are recognized and refused by name.
#include "engine/image/other_formats.hpp"

#include <string>

#include <catch2/catch.hpp>

#include "engine/image/decode.hpp"

using namespace intvit;

namespace {

std::string other_format_of(const std::string &bytes) {
  return std::string(other_format(std::as_bytes(std::span(bytes))));
}

std::string boxes(const std::string &brands) {
  return std::string("\0\0\0", 3) + static_cast<char>(brands.size() + 8) + "ftyp" + brands + "more boxes";
}

} // namespace

TEST_CASE("other formats: each is named") {
  CHECK(other_format_of(boxes(std::string("heic\0\0\0\0mif1heic", 16))) == "HEIC");
  CHECK(other_format_of(boxes(std::string("mif1\0\0\0\0mif1heix", 16))) == "HEIC");
  CHECK(other_format_of(boxes(std::string("avif\0\0\0\0mif1miaf", 16))) == "AVIF");
  CHECK(other_format_of(boxes(std::string("mif1\0\0\0\0miafavif", 16))) == "AVIF");
  CHECK(other_format_of(boxes(std::string("avis\0\0\0\0", 8))) == "AVIF");
  CHECK(other_format_of(boxes(std::string("msf1\0\0\0\0", 8))) == "HEIF");
  CHECK(other_format_of(std::string("II*\0....", 8)) == "TIFF");
  CHECK(other_format_of(std::string("MM\0*....", 8)) == "TIFF");
  CHECK(other_format_of(std::string("MM\0+....", 8)) == "TIFF");
  CHECK(other_format_of("\xFF\x0A....") == "JPEG XL");
  CHECK(other_format_of(std::string("\0\0\0\x0CJXL \r\n\x87\n....", 16)) == "JPEG XL");
  CHECK(other_format_of(std::string("\0\0\0\x0CjP  \r\n\x87\n....", 16)) == "JPEG 2000");
  CHECK(other_format_of("RIFF....WEBPVP8 ") == "WebP");
}

TEST_CASE("other formats: what is none") {
  CHECK(other_format_of("").empty());
  CHECK(other_format_of("RIFF....WAVE").empty());
  CHECK(other_format_of(boxes(std::string("isom\0\0\0\0mp41", 12))).empty()); // a film
  CHECK(other_format_of(boxes("heic").substr(0, 11)).empty());
  // Brands end with their box.
  CHECK(other_format_of(boxes(std::string("isom\0\0\0\0", 8)) + "heic").empty());
}

TEST_CASE("other formats: the message says what to do") {
  const std::string bytes = boxes(std::string("heic\0\0\0\0", 8));
  const Status status = decode_image(std::as_bytes(std::span(bytes)), "IMG_1.HEIC").status();
  CHECK(status.code() == StatusCode::unsupported);
  CHECK(status.message() == "IMG_1.HEIC: HEIC is not decoded: convert the picture to JPEG or PNG");
}
