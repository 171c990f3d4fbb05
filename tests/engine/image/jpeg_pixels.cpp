// JPEG pixels against Pillow's, byte for byte: every kind of file, by checksums. And damaged scans.
#include <algorithm>
#include <string>

#include <catch2/catch.hpp>

#include "engine/image/jpeg/inverse_dct.hpp"
#include "tests/engine/image/jpeg_writer.hpp"
#include "tests/engine/image/pictures.hpp"
#include "tests/support/data.hpp"

using namespace intvit;
using namespace intvit::test;

namespace {

// Three components of 4:2:0 with an interval of one MCU: a segment for each of 4 x 2 MCUs.
JpegKind restarting() {
  return {.width = 64, .height = 32, .components = {{1, 2, 2}, {2, 1, 1}, {3, 1, 1}}, .restart_interval = 1, .seed = 5};
}

// Where restart marker `number` begins.
std::size_t find_restart(const std::string &file, int number) {
  const std::size_t at = file.find(std::string{'\xFF', static_cast<char>(0xD0 + number)});
  REQUIRE(at != std::string::npos);
  return at;
}

// Whether the pixels of MCU `index` (of 4 a row, 16 x 16 pixels) are the same but for the outermost, which its
// neighbours change.
bool same_mcu(const Image &a, const Image &b, int index) {
  for (int y = index / 4 * 16 + 1; y < index / 4 * 16 + 15; ++y)
    for (int x = index % 4 * 16 + 1; x < index % 4 * 16 + 15; ++x)
      for (int channel = 0; channel < 3; ++channel) {
        const std::size_t at = static_cast<std::size_t>((y * a.width + x) * 3 + channel);
        if (a.rgb[at] != b.rgb[at])
          return false;
      }
  return true;
}

} // namespace

TEST_CASE("jpeg: files of every kind give the pixels that Pillow gives") {
  check_golden_pictures("jpeg.txt", jpeg_kinds,
                        [](const std::string &index) { return decode_text(write_jpeg(jpeg_kind(std::stoi(index)))); });
}

// Where all of a block is computed although most of it is 0, the result is the same.
TEST_CASE("jpeg: transforms of blocks with few coefficients") {
  Lcg random(7);
  for (int round = 0; round < 2000; ++round) {
    alignas(16) std::int16_t block[block_samples] = {};
    QuantizationTable quantization;
    for (std::uint16_t &step : quantization.steps)
      step = static_cast<std::uint16_t>(random.between(1, 255));
    const int last = random.between(0, 12);
    for (int k = 0; k <= last; ++k)
      block[natural_order[static_cast<std::size_t>(k)]] = static_cast<std::int16_t>(random.between(-20, 20));
    std::uint8_t few[64] = {};
    std::uint8_t all[64] = {};
    inverse_dct(block, last, quantization, few, 8);
    inverse_dct(block, block_samples - 1, quantization, all, 8);
    REQUIRE(std::equal(few, few + 64, all));
  }
}

TEST_CASE("jpeg: a scan that lacks data is grey from there on, until the next restart marker") {
  const std::string file = write_jpeg(restarting());
  const Image whole = *decode_text(file);
  // The second segment: nothing is left of it.
  std::string empty = file;
  const std::size_t begin = find_restart(file, 0) + 2;
  empty.erase(begin, find_restart(file, 1) - begin);
  const Result<Image> image = decode_text(empty);
  REQUIRE(image.ok());
  for (int mcu = 0; mcu < 8; ++mcu) {
    INFO(mcu);
    CHECK(same_mcu(*image, whole, mcu) == (mcu != 1));
  }
}

TEST_CASE("jpeg: restart markers that are lost, changed or too many") {
  const std::string file = write_jpeg(restarting());
  const Image whole = *decode_text(file);
  const auto check = [&](const std::string &damaged, std::initializer_list<int> changed) {
    const Result<Image> image = decode_text(damaged);
    REQUIRE(image.ok());
    for (int mcu = 0; mcu < 8; ++mcu) {
      INFO("MCU " << mcu);
      CHECK(same_mcu(*image, whole, mcu) == (std::find(changed.begin(), changed.end(), mcu) == changed.end()));
    }
  };
  // A marker is lost with its segment: the next one is seen to be the next but one's, and waits for its turn.
  std::string lost = file;
  lost.erase(find_restart(file, 2), find_restart(file, 3) - find_restart(file, 2));
  check(lost, {3});
  // A number that is far off is taken for the one that is due.
  std::string changed = file;
  changed[find_restart(file, 2) + 1] = '\xD6';
  check(changed, {});
  // One that has been before is passed over with its data.
  std::string repeated = file;
  repeated.insert(find_restart(file, 3), "\xFF\xD1 and more");
  check(repeated, {});
  // Anything but a restart marker ends the scan: here a comment.
  std::string comment = file;
  comment.insert(find_restart(file, 5), std::string("\xFF\xFE\0\x04xy", 6));
  check(comment, {6, 7});
}

// Frames of cameras (Motion JPEG) have no Huffman tables and mean the standard's, which Pillow writes, too.
TEST_CASE("jpeg: tables that a file leaves out are the standard's") {
  for (const char *name : {"cmyk", "grey", "orientation_1"}) {
    CAPTURE(name);
    std::string file = file_content(source_file("golden/images/decode/" + std::string(name) + ".jpg"));
    const Result<Image> whole = decode_text(file);
    REQUIRE(whole.ok());
    std::size_t removed = 0;
    for (std::size_t at; (at = file.find("\xFF\xC4")) != std::string::npos; ++removed)
      file.erase(at, 2 + static_cast<std::size_t>(static_cast<unsigned char>(file[at + 2]) * 256 +
                                                  static_cast<unsigned char>(file[at + 3])));
    CHECK(removed > 0);
    const Result<Image> image = decode_text(file);
    REQUIRE(image.ok());
    CHECK(image->rgb == whole->rgb);
    // There are two of each kind, no third.
    const std::size_t scan = file.find("\xFF\xDA");
    file[scan + 6] = '\x20';
    CHECK(decode_text(file).status().message() == "origin: corrupt picture: a Huffman table is missing");
  }
}

TEST_CASE("jpeg: what is wrong with a file's structure") {
  const JpegKind kind{.width = 20, .height = 10, .components = {{1, 2, 2}, {2, 1, 1}, {3, 1, 1}}};
  const std::string file = write_jpeg(kind);
  const auto message = [](const std::string &bytes) { return decode_text(bytes).status().message(); };
  const auto without = [&](int marker) {
    std::string damaged = file;
    for (std::size_t at; (at = damaged.find(std::string{'\xFF', static_cast<char>(marker)})) != std::string::npos;)
      damaged.erase(at, 2 + static_cast<std::size_t>(static_cast<unsigned char>(damaged[at + 2]) * 256 +
                                                     static_cast<unsigned char>(damaged[at + 3])));
    return damaged;
  };
  REQUIRE(decode_text(file).ok());
  CHECK(message(without(0xDB)) == "origin: corrupt picture: a quantization table is missing");
  CHECK(message(without(0xDA)) == "origin: corrupt picture: there is no scan");
  const std::size_t frame = file.find("\xFF\xC0");
  const std::size_t frame_size = 2 + 17;
  std::string second = file;
  second.insert(frame, file.substr(frame, frame_size));
  CHECK(message(second) == "origin: corrupt picture: a second frame");
  std::string late = file;
  late.erase(frame, frame_size).insert(late.size() - 2, file.substr(frame, frame_size));
  CHECK(message(late) == "origin: corrupt picture: a scan before the frame");
  const std::size_t scan = file.find("\xFF\xDA");
  std::string twice = file;
  twice.insert(twice.size() - 2, file.substr(scan, file.size() - 2 - scan));
  CHECK(message(twice) == "origin: corrupt picture: a second scan of the whole picture");
}

TEST_CASE("jpeg: what follows the end of the picture is not read") {
  const std::string file = write_jpeg(restarting());
  const Result<Image> image = decode_text(file + "\xFF\xD8\xFF and another picture, as cameras append");
  REQUIRE(image.ok());
  CHECK(image->rgb == decode_text(file)->rgb);
}

// Random changes in every kind: no crash, and the same result twice.
TEST_CASE("jpeg: damaged files of every kind") {
  Lcg random(99);
  for (int index = 0; index < jpeg_kinds; ++index) {
    std::string file = write_jpeg(jpeg_kind(index));
    for (int change = 0; change < 4; ++change) {
      const auto at = static_cast<std::size_t>(random.between(2, static_cast<int>(file.size()) - 1));
      file[at] = static_cast<char>(random.byte());
      const Result<Image> image = decode_text(file);
      const Result<Image> again = decode_text(file);
      INFO(index << ", byte " << at);
      REQUIRE(image.ok() == again.ok());
      if (image.ok())
        REQUIRE(image->rgb == again->rgb);
    }
  }
}
