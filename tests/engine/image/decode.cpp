// Decoding: files of all kinds against Pillow, and everything that can be wrong with a file against its message.
#include "engine/image/decode.hpp"

#include <filesystem>
#include <fstream>

#include <sys/mman.h>
#include <sys/resource.h>

#include <catch2/catch.hpp>

#include "engine/container/file_io.hpp"
#include "engine/image/jpeg/decoder.hpp"
#include "tests/engine/image/pictures.hpp"
#include "tests/support/data.hpp"

using namespace intvit;
using namespace intvit::test;

namespace {

std::string golden(const std::string &name) {
  return source_file("golden/images/decode/" + name);
}

std::string message_of(const std::string &bytes) {
  const Result<Image> image = decode_text(bytes);
  CHECK_FALSE(image.ok());
  return image.status().message();
}

#ifdef INTVIT_WEBP
constexpr const char *not_a_picture = "origin: not a picture in JPEG, PNG, WebP, BMP, GIF or binary PNM format";
#else
constexpr const char *not_a_picture = "origin: not a picture in JPEG, PNG, BMP, GIF or binary PNM format";
#endif
constexpr const char *cut_short = "the file ends before the picture does";

} // namespace

TEST_CASE("decode: lossless files give the pixels that Pillow gives") {
  check_golden_pictures("decode.txt", 21, [](const std::string &name) { return load_image(golden(name)); });
}

TEST_CASE("decode: a PNG file may begin its data with an empty chunk") {
  const std::string whole = file_content(golden("rgb.png"));
  const std::size_t data = whole.find("IDAT") - 4; // behind the chunk's length
  const std::string empty("\0\0\0\0IDAT\x35\xAF\x06\x1E", 12);
  const Result<Image> image = decode_text(whole.substr(0, data) + empty + whole.substr(data));
  REQUIRE(image.ok());
  CHECK(image->rgb == load_image(golden("rgb.png"))->rgb);
}

TEST_CASE("decode: JPEG files that Pillow wrote give the pixels that Pillow gives") {
  for (const std::string name : {"grey", "subsampled", "progressive", "cmyk"}) {
    INFO(name);
    const Result<Image> image = load_image(golden(name + ".jpg"));
    const Result<Image> expected = load_image(golden(name + ".ppm"));
    REQUIRE(image.ok());
    REQUIRE(expected.ok());
    CHECK(image->rgb == expected->rgb);
  }
}

TEST_CASE("decode: photographs are turned upright") {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const std::string name = "orientation_" + std::to_string(orientation);
    INFO(name);
    const Result<Image> image = load_image(golden(name + ".jpg"));
    const Result<Image> expected = load_image(golden(name + ".ppm"));
    REQUIRE(image.ok());
    REQUIRE(expected.ok());
    CHECK(image->width == (orientation < 5 ? 40 : 24));
    CHECK(image->rgb == expected->rgb);
  }
}

TEST_CASE("decode: bytes that are no picture") {
  CHECK(message_of("") == "origin: the file is empty");
  CHECK(message_of("Not a picture, whatever its name says.") == not_a_picture);
  CHECK(message_of("P") == not_a_picture);
  CHECK(message_of("P3 1 1 255 0 0 0") == not_a_picture);
  CHECK(message_of("\xFF") == not_a_picture);
  CHECK(decode_text("").status().code() == StatusCode::bad_format);
  CHECK(decode_text("text").status().code() == StatusCode::bad_format);

  // Pages that are never touched take no memory.
  const std::size_t size = static_cast<std::size_t>(max_image_file_bytes) + 1;
  void *pages = mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(pages != MAP_FAILED);
  const Result<Image> large = decode_image(std::span(static_cast<const std::byte *>(pages), size), "origin");
  munmap(pages, size);
  CHECK(large.status().message() == "origin: a picture file of 268435457 bytes, at most 268435456 are read");
  CHECK(message_of("\xFF\xD8 and then text") == std::string("origin: corrupt picture: ") + cut_short);
  CHECK(message_of("GIF8 and then text of some length") ==
        "origin: corrupt picture: Image not of any known type, or corrupt");
}

TEST_CASE("decode: files cut short are refused at every length") {
  for (const std::string name : {"rgb.png", "rgb16.png", "palette.png", "rgb.bmp", "palette.bmp", "palette.gif",
                                 "rgb.ppm", "grey.pgm", "subsampled.jpg", "progressive.jpg", "orientation_6.jpg"}) {
    const std::string whole = file_content(golden(name));
    REQUIRE(decode_text(whole).ok());
    // What follows the pixels is not missed: PNG's end, GIF's trailer and further blocks, BMP's padding.
    const std::size_t tail = name.ends_with("png") ? 16 : name.ends_with("gif") ? 3 : name.ends_with("bmp") ? 4 : 1;
    for (std::size_t size = 0; size + tail <= whole.size(); ++size) {
      INFO(name << " cut to " << size << " of " << whole.size() << " bytes");
      const Result<Image> image = decode_text(whole.substr(0, size));
      REQUIRE_FALSE(image.ok());
      REQUIRE(image.status().code() == StatusCode::bad_format);
    }
    INFO(name);
    CHECK(message_of(whole.substr(0, whole.size() - tail - 4)).find(cut_short) != std::string::npos);
  }
}

TEST_CASE("decode: damaged files") {
  std::string png = file_content(golden("rgb.png"));
  png[41] = '\x55'; // the compressed data's first byte names the method
  CHECK(message_of(png) == "origin: corrupt picture: bad compressed data");

  std::string jpeg = file_content(golden("subsampled.jpg"));
  const std::size_t tables = jpeg.find("\xFF\xC4");
  REQUIRE(tables != std::string::npos);
  jpeg[tables + 20] = '\xFF'; // 255 codes of 16 bits more
  CHECK(message_of(jpeg) == "origin: corrupt picture: bad or incomplete Huffman table");

  for (const std::string header : {"P6", "P6 3", "P6 3 2", "P6 3 2 0\n", "P6 3 2 65536\n", "P6 -3 2 255\n",
                                   "P6 3 2 255", "P6 3x2 255\n", "P6 99999999999 2 255\n", "P6 # comment"})
    CHECK(message_of(header) == "origin: corrupt PNM picture: its header needs a width, a height and a maximum of 1 to "
                                "65535");
  CHECK(message_of("P6 2 1 255\n12345") == "origin: corrupt PNM picture: the file ends before the picture does");
}

TEST_CASE("decode: samples above a PNM file's maximum count as the maximum") {
  const Result<Image> image = decode_text("P5 3 1 2\n" + std::string("\x01\x02\xFF", 3));
  REQUIRE(image.ok());
  CHECK(image->rgb == std::vector<std::uint8_t>{128, 128, 128, 255, 255, 255, 255, 255, 255});
}

TEST_CASE("decode: headers that announce too large a picture") {
  const auto too_large = [](const std::string &size) {
    return "origin: a picture of " + size +
           " pixels is too large: at most 65535 a side and 268435456 pixels are supported";
  };
  // Width and height of a PNG file are at bytes 16 and 20, of a GIF file at 6 and 8.
  std::string png = file_content(golden("rgb.png"));
  png.replace(16, 8, std::string("\x00\x01\x00\x00\x00\x00\x00\x01", 8));
  CHECK(message_of(png) == too_large("65536 x 1"));
  CHECK(decode_text(png).status().code() == StatusCode::unsupported);
  png.replace(16, 8, std::string("\x00\x00\x46\x00\x00\x00\x46\x00", 8));
  CHECK(message_of(png) == too_large("17920 x 17920"));
  png.replace(16, 8, std::string("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8));
  CHECK(message_of(png) == too_large("4294967295 x 4294967295"));

  std::string gif = file_content(golden("palette.gif"));
  gif.replace(6, 4, "\xFF\xFF\xFF\xFF");
  CHECK(message_of(gif) == too_large("65535 x 65535"));

  // A JPEG file's height and width follow the marker of its frame, its length and the sample precision.
  std::string jpeg = file_content(golden("subsampled.jpg"));
  const std::size_t frame = jpeg.find("\xFF\xC0");
  REQUIRE(frame != std::string::npos);
  jpeg.replace(frame + 5, 4, "\xFF\xFE\xFF\xFF");
  CHECK(message_of(jpeg) == too_large("65535 x 65534"));

  // A BMP file's rows may be stored downwards: then its height is negative.
  std::string bmp = file_content(golden("top_down.bmp"));
  bmp.replace(22, 4, std::string("\x00\x00\x00\x80", 4));
  CHECK(message_of(bmp) == too_large("23 x 2147483648"));
  bmp.replace(18, 4, std::string("\x00\x00\x00\x00", 4));
  CHECK(message_of(bmp) == "origin: a picture of 0 x 2147483648 pixels is empty");

  CHECK(message_of("P6 70000 3 255\n") == too_large("70000 x 3"));
  CHECK(message_of("P5 0 3 255\n") == "origin: a picture of 0 x 3 pixels is empty");
}

// A decoder would fill up what a file lacks, and take seconds and gigabytes for a file of some hundred bytes.
TEST_CASE("decode: small files that announce a large picture") {
  const auto refused = [](const std::string &bytes, const std::string &size) {
    const Result<Image> image = decode_text(bytes);
    CHECK(image.status().code() == StatusCode::bad_format);
    CHECK(image.status().message() == "origin: corrupt picture: " + std::to_string(bytes.size()) +
                                          " bytes cannot hold " + size +
                                          " pixels: the file ends before the picture does");
  };
  for (const std::string name : {"subsampled.jpg", "grey.jpg", "progressive.jpg"}) {
    std::string jpeg = file_content(golden(name));
    const std::size_t frame = jpeg.find(name == "progressive.jpg" ? "\xFF\xC2" : "\xFF\xC0");
    REQUIRE(frame != std::string::npos);
    jpeg.replace(frame + 5, 4, std::string("\x40\x00\x40\x00", 4));
    refused(jpeg, "16384 x 16384");
  }
  std::string png = file_content(golden("one_bit.png"));
  png.replace(16, 8, std::string("\x00\x00\x40\x00\x00\x00\x40\x00", 8));
  refused(png, "16384 x 16384");
  std::string bmp = file_content(golden("rgb.bmp"));
  bmp.replace(18, 8, std::string("\x00\x40\x00\x00\x00\x40\x00\x00", 8));
  refused(bmp, "16384 x 16384");
  std::string gif = file_content(golden("palette.gif"));
  gif.replace(6, 4, std::string("\x00\x40\x00\x40", 4));
  refused(gif, "16384 x 16384");
}

TEST_CASE("decode: files as small as pictures can be are decoded") {
  // A JPEG of 2 bits a block: grey, all coefficients 0. One table of each class with one code of one bit.
  std::string jpeg = "\xFF\xD8\xFF\xDB" + std::string("\x00\x43\x00", 3) + std::string(64, '\x01');
  jpeg += "\xFF\xC0" + std::string("\x00\x0B\x08\x04\x00\x04\x00\x01\x01\x11\x00", 11); // 1024 x 1024
  for (const char *index : {"\x00", "\x10"})
    jpeg += "\xFF\xC4" + std::string("\x00\x14", 2) + index[0] + '\x01' + std::string(15, '\0') + '\0';
  jpeg += "\xFF\xDA" + std::string("\x00\x08\x01\x01\x00\x00\x3F\x00", 8) + std::string(4096, '\0') + "\xFF\xD9";
  const Result<Image> grey = decode_text(jpeg);
  INFO(grey.status().message());
  REQUIRE(grey.ok());
  CHECK(grey->width == 1024);
  CHECK(grey->rgb == std::vector<std::uint8_t>(3 * 1024 * 1024, 128));

  // A GIF whose frame is one pixel of a picture of a million.
  std::string gif = file_content(golden("palette.gif"));
  gif.replace(6, 4, std::string("\x00\x04\x00\x04", 4));
  const Result<Image> background = decode_text(gif);
  INFO(background.status().message());
  REQUIRE(background.ok());
  CHECK(background->width == 1024);
}

TEST_CASE("decode: a JPEG scan may end within a coefficient") {
  struct Code {
    int bits;
    char symbol;
  };
  struct Scan {
    const char *what;
    std::vector<Code> ac;
    std::string data;
  };
  const auto table = [](char index, const std::vector<Code> &codes) {
    std::string counts(16, '\0'), symbols;
    for (const auto &[bits, symbol] : codes) {
      ++counts[static_cast<std::size_t>(bits - 1)];
      symbols += symbol;
    }
    return "\xFF\xC4" + std::string(1, '\0') + static_cast<char>(19 + codes.size()) + index + counts + symbols;
  };
  // The first 16 bits are the DC coefficient's, a code and 15 bits of value.
  for (const auto &[what, ac, data] :
       {Scan{"a code of 16 bits is there, none of the 15 of its value", {{16, 15}}, std::string("\x40\0\0\0", 4)},
        Scan{"a short code and its value, looked up at once, of which nothing is there, behind a code of 10 and 6 bits",
             {{2, 7}, {10, 6}},
             std::string("\x40\0\x40\0", 4)}}) {
    const std::string jpeg = "\xFF\xD8\xFF\xDB" + std::string("\x00\x43\x00", 3) + std::string(64, '\x01') +
                             "\xFF\xC0" +
                             std::string("\x00\x0B\x08\x00\x08\x00\x08\x01\x01\x11\x00", 11) + // 8 x 8, grey
                             table('\x00', {{1, 15}}) + table('\x10', ac) + "\xFF\xDA" +
                             std::string("\x00\x08\x01\x01\x00\x00\x3F\x00", 8) + data + "\xFF\xD9";
    const Result<Image> image = decode_text(jpeg);
    INFO(what << ": " << image.status().message());
    REQUIRE(image.ok());
    CHECK(image->width == 8);
    CHECK(decode_text(jpeg)->rgb == image->rgb);
  }
}

// Each scan passes over the whole picture, so their number is limited, and counted where they are decoded.
TEST_CASE("decode: a JPEG file of very many scans") {
  const auto segment = [](char marker, const std::string &payload) {
    return std::string{'\xFF', marker, '\0', static_cast<char>(payload.size() + 2)} + payload;
  };
  const std::string scan = segment('\xDA', std::string("\x01\x01\x00\x00\x00\x00", 6)); // first bits of DC coefficients
  const std::string refining = segment('\xDA', std::string("\x01\x01\x00\x00\x00\x10", 6));
  // A progressive grey picture without any data; filled up to the length that so many pixels need.
  const auto file = [&](const std::string &size, const std::string &scans, std::size_t filler) {
    std::string jpeg = "\xFF\xD8" + segment('\xDB', std::string(1, '\0') + std::string(64, '\1')) +
                       segment('\xC2', "\x08" + size + std::string("\x01\x01\x11\x00", 4)) +
                       segment('\xC4', std::string("\0\1", 2) + std::string(16, '\0')) + scans;
    for (std::size_t i = 0; i < filler; ++i)
      jpeg += segment('\xFE', std::string(100, ' '));
    return jpeg + "\xFF\xD9";
  };
  const auto repeated = [](const std::string &part, std::int64_t times) {
    std::string all;
    for (std::int64_t i = 0; i < times; ++i)
      all += part;
    return all;
  };
  const auto refused = [](const std::string &jpeg, const std::string &start) {
    const Result<Image> image = decode_text(jpeg);
    CHECK(image.status().code() == StatusCode::unsupported);
    CHECK(image.status().message() == "origin: a picture of " + start +
                                          " scans or more: at most 4294967296 pixels are decoded in all scans "
                                          "together, each counted as 4096 at least");
  };
  const std::string large("\x10\0\x10\0", 4); // 2^24 pixels
  CHECK(decode_text(file(large, scan + repeated(refining, 255), 200)).ok());
  refused(file(large, scan + repeated(refining, 256), 200), "4096 x 4096 pixels in 257");
  // The first scan waits for a restart marker that never comes, and meets the others on its way: behind a marker that
  // would be a segment of impossible length elsewhere.
  refused(file(large,
               segment('\xDD', std::string("\0\1", 2)) + scan + std::string("\xFF\x02\0\0", 4) +
                   segment('\xDD', std::string("\0\0", 2)) + repeated(refining, 256),
               200),
          "4096 x 4096 pixels in 257");
  // A scan of a small picture takes some time, too.
  refused(file(std::string("\0\1\0\1", 4), scan + repeated(refining, max_scanned_pixels / least_scanned_pixels), 0),
          "1 x 1 pixels in 1048577");
}

TEST_CASE("load_image: messages begin with the path") {
  const std::string missing = temporary_file("missing.jpg");
  CHECK(load_image(missing).status().message() == missing + ": cannot open: No such file or directory");
  CHECK(load_image(missing).status().code() == StatusCode::io);

  const std::string folder = std::filesystem::path(missing).parent_path().string();
  CHECK(load_image(folder).status().message() == folder + ": cannot read: Is a directory");

  const std::string empty = temporary_file("empty.png");
  std::ofstream(empty).close();
  CHECK(load_image(empty).status().message() == empty + ": the file is empty");

  const std::string text = temporary_file("text.jpg");
  std::ofstream(text) << "hello";
  CHECK(load_image(text).status().message() == text + std::string(not_a_picture).substr(6));

  for (const auto &[content, kind] : std::vector<std::pair<std::string, std::string>>{
           {"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n", "a git-lfs pointer"},
           {"  <!doctype html>", "a web page"},
           {"%PDF-1.7", "a PDF document"}}) {
    std::ofstream(text) << content;
    CHECK_THAT(load_image(text).status().message(),
               Catch::StartsWith(text + std::string(not_a_picture).substr(6) + " but " + kind));
  }

  // A sparse file: large without taking room.
  const std::string large = temporary_file("large.png");
  std::ofstream(large).close();
  std::filesystem::resize_file(large, static_cast<std::uintmax_t>(max_image_file_bytes) + 1);
  CHECK(load_image(large).status().message() == large + ": cannot read: 268435457 bytes, at most 268435456 are read");
}

// The sanitizers need address space themselves.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define INTVIT_TEST_SANITIZED
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define INTVIT_TEST_SANITIZED
#endif

#ifndef INTVIT_TEST_SANITIZED
namespace {

// Calls `work` with 512 MB of address space.
template <class Work> auto with_little_memory(const Work &work) {
  struct rlimit before = {};
  REQUIRE(getrlimit(RLIMIT_AS, &before) == 0);
  struct rlimit little = before;
  little.rlim_cur = 512 << 20;
  REQUIRE(setrlimit(RLIMIT_AS, &little) == 0);
  auto result = work();
  REQUIRE(setrlimit(RLIMIT_AS, &before) == 0);
  return result;
}

} // namespace

TEST_CASE("make_image: a lack of memory is an error") {
  const Result<Image> image = with_little_memory([] { return make_image(16'384, 16'384); });
  CHECK(image.status().message() == "not enough memory for a picture of 16384 x 16384 pixels");
}

TEST_CASE("decode: a chunk of a PNG file that announces more than there is takes no memory") {
  std::string file = file_content(golden("rgb.png"));
  file[file.find("IDAT") - 4] = '\x3F'; // the first byte of its length
  const std::string message = with_little_memory([&] { return message_of(file); });
  CHECK(message == std::string("origin: corrupt picture: ") + cut_short);
}
#endif
