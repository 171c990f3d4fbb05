// Pictures of every kind and shape through the whole program, and files that promise more than memory holds.
#include <filesystem>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "engine/image/decode.hpp"
#include "tests/cli/program.hpp"
#include "tests/support/data.hpp"
#include "tests/support/sanitizers.hpp"

using namespace intvit;
using namespace intvit::test;
using Catch::Matchers::Contains;
using nlohmann::json;

namespace {

namespace fs = std::filesystem;

std::string golden(const std::string &name) {
  return source_file("golden/images/decode/" + name);
}

std::vector<json> logits(const std::vector<std::string> &paths) {
  const Outcome outcome = run_program(words({"classify", "--format", "json", "--raw-logits"}, paths));
  CHECK(outcome.err.empty());
  CHECK(outcome.exit_code == 0);
  std::vector<json> result;
  for (const json &line : json_lines(outcome.out))
    result.push_back(line["logits"]);
  return result;
}

std::string ppm(const std::string &name, int width, int height, const std::string &rgb) {
  const std::string path = temporary_file(name);
  write_text(path, "P6 " + std::to_string(width) + " " + std::to_string(height) + " 255\n" + rgb);
  return path;
}

// A picture whose rows and columns all differ.
std::string slopes(const std::string &name, int width, int height) {
  std::string rgb;
  rgb.reserve(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (const int value : {x * 255 / std::max(width - 1, 1), y * 255 / std::max(height - 1, 1), (x + y) & 255})
        rgb += static_cast<char>(value);
  return ppm(name, width, height, rgb);
}

std::string big_endian(std::uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8)
    bytes += static_cast<char>(value >> shift);
  return bytes;
}

// The bits of a compressed stream, in deflate's order.
class Bits {
public:
  // The value's lowest bit first.
  void add(unsigned value, int count) {
    for (int i = 0; i < count; ++i) {
      if (used_ % 8 == 0)
        bytes_ += '\0';
      bytes_.back() = static_cast<char>(static_cast<unsigned char>(bytes_.back()) | (value >> i & 1U) << used_ % 8);
      ++used_;
    }
  }
  const std::string &bytes() const { return bytes_; }

private:
  std::string bytes_;
  std::size_t used_ = 0;
};

// A PNG file of black and white that is black all over, as small as deflate makes it: 13 bits for 258 bytes of pixels.
// `turned`: it lies on its side.
std::string bomb(const std::string &name, std::uint32_t width, std::uint32_t height, bool turned = false) {
  Bits bits;
  bits.add(0x0178, 16);     // zlib's header
  bits.add(1 | 1 << 1, 3);  // the last block, with fixed codes
  bits.add(0b00001100U, 8); // literal 0
  std::size_t left = (std::size_t{width} / 8 + 1) * height - 1;
  for (; left >= 258; left -= 258) {
    bits.add(0b10100011U, 8); // length 258,
    bits.add(0, 5);           // distance 1
  }
  for (; left > 0; --left)
    bits.add(0b00001100U, 8);
  bits.add(0, 7); // the end; no checksums are needed
  const auto chunk = [](const std::string &kind, const std::string &data) {
    return big_endian(static_cast<std::uint32_t>(data.size())) + kind + data + big_endian(0);
  };
  const std::string exif =
      turned ? chunk("eXIf", std::string("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0", 26)) : "";
  const std::string path = temporary_file(name);
  write_text(path, "\x89PNG\r\n\x1a\n" +
                       chunk("IHDR", big_endian(width) + big_endian(height) + std::string("\x01\x00\x00\x00\x00", 5)) +
                       exif + chunk("IDAT", bits.bytes()) + chunk("IEND", ""));
  return path;
}

// Classifies the file and the sample photograph: it must be refused, the photograph not.
void check_left_out(const std::string &path, const std::string &message) {
  const Outcome outcome = run_program({"classify", path, sample_photograph()});
  CHECK(outcome.exit_code == 1);
  CHECK(outcome.err == "intvit: " + path + message + "\n");
  CHECK_THAT(outcome.out, Contains("cat"));
}

} // namespace

TEST_CASE("pictures of one pixel, one row and one column, and panoramas") {
  const std::vector<json> all =
      logits({slopes("dot.ppm", 1, 1), slopes("row.ppm", 2'000, 1), slopes("column.ppm", 1, 2'000),
              slopes("wide.ppm", 20'000, 50), slopes("high.ppm", 50, 20'000), slopes("panorama.ppm", 20'000, 1'000)});
  REQUIRE(all.size() == 6);
  for (const json &values : all)
    CHECK(values.size() == 10);
  // The model sees the centre of the short side's square alone.
  CHECK(all[3] != all[4]);
}

TEST_CASE("a picture of one row too long to be resized in proportion is refused, and the rest is classified") {
  const std::string path = slopes("long.ppm", 65'535, 1);
  check_left_out(path, ": after the resize: a picture of 2097120 x 32 pixels is too large: at most 65535 a side and "
                       "268435456 pixels are supported");
}

TEST_CASE("every kind of picture file, grey, with a palette, with alpha, of 16 bits, CMYK, progressive") {
  std::vector<std::string> paths;
  for (const fs::directory_entry &entry : fs::directory_iterator(source_file("golden/images/decode")))
    paths.push_back(entry.path().string());
  CHECK(paths.size() >= 40);
  CHECK(logits(paths).size() == paths.size());
  // Files of the same pixels.
  const std::vector<json> rgb = logits({golden("rgb.png"), golden("rgb.bmp"), golden("rgb.ppm")});
  CHECK(rgb[0] == rgb[1]);
  CHECK(rgb[0] == rgb[2]);
}

TEST_CASE("photographs are classified upright, as ImageOps.exif_transpose turns them") {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    INFO(orientation);
    const std::string turned = golden("orientation_" + std::to_string(orientation) + ".jpg");
    // The same file without its EXIF block is not turned: that is done here, by Pillow's names of the operations.
    std::string bytes = read_text(turned);
    const std::size_t exif = bytes.find("Exif");
    REQUIRE(exif != std::string::npos);
    bytes[exif] = 'X';
    const Result<Image> stored = decode_image(std::as_bytes(std::span(bytes)), "stored");
    REQUIRE(stored.ok());
    REQUIRE(stored->width != stored->height);
    const int width = orientation < 5 ? stored->width : stored->height;
    const int height = orientation < 5 ? stored->height : stored->width;
    const int right = stored->width - 1;
    const int bottom = stored->height - 1;
    std::string upright;
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) {
        const auto [column, row] = orientation == 1   ? std::pair(x, y)
                                   : orientation == 2 ? std::pair(right - x, y)          // FLIP_LEFT_RIGHT
                                   : orientation == 3 ? std::pair(right - x, bottom - y) // ROTATE_180
                                   : orientation == 4 ? std::pair(x, bottom - y)         // FLIP_TOP_BOTTOM
                                   : orientation == 5 ? std::pair(y, x)                  // TRANSPOSE
                                   : orientation == 6 ? std::pair(y, bottom - x)         // ROTATE_270
                                   : orientation == 7 ? std::pair(right - y, bottom - x) // TRANSVERSE
                                                      : std::pair(right - y, x);         // ROTATE_90
        const auto first = (static_cast<std::size_t>(row) * static_cast<std::size_t>(stored->width) +
                            static_cast<std::size_t>(column)) *
                           3;
        for (std::size_t channel = 0; channel < 3; ++channel)
          upright += static_cast<char>(stored->rgb[first + channel]);
      }
    const std::vector<json> both = logits({turned, ppm("upright.ppm", width, height, upright)});
    CHECK(both[0] == both[1]);
  }
}

TEST_CASE("a small file of many pixels is decoded") {
  const std::string path = bomb("black.png", 8192, 8192);
  CHECK(fs::file_size(path) < 60'000);
  const std::vector<json> both =
      logits({path, ppm("black.ppm", 100, 100, std::string(std::size_t{100} * 100 * 3, '\0'))});
  CHECK(both[0] == both[1]);
}

TEST_CASE("a file of more pixels than are read is refused, and the rest is classified") {
  const std::string path = bomb("too_large.png", 16'384, 16'385);
  check_left_out(
      path,
      ": a picture of 16384 x 16385 pixels is too large: at most 65535 a side and 268435456 pixels are supported");
}

TEST_CASE("a file of more pixels than memory holds is refused, and the rest is classified") {
#if INTVIT_ADDRESS_SANITIZER || INTVIT_THREAD_SANITIZER
  skip("sanitizers need address space themselves");
#else
  const auto check = [](const std::string &path, const std::string &size, const char *memory) {
    INFO(memory);
    const Outcome outcome = run_shell("ulimit -v " + std::string(memory) + "; \"$INTVIT\" classify -t 1 -k 1 " +
                                      quoted(path) + " " + quoted(sample_photograph()));
    CHECK(outcome.exit_code == 1);
    CHECK(outcome.err == "intvit: " + path + ": not enough memory for a picture of " + size + " pixels\n");
    CHECK_THAT(outcome.out, Contains("cat"));
  };
  const std::string path = bomb("large.png", 16'384, 16'384);
  // In kilobytes: less than the pixels take, which are 786,432.
  for (const char *memory : {"300000", "600000", "780000"})
    check(path, "16384 x 16384", memory);
  // Enough for the pixels, 196,608, but not for turning them.
  const std::string enough = "370000";
  CHECK(run_shell("ulimit -v " + enough + "; \"$INTVIT\" classify -t 1 " + quoted(bomb("upright.png", 8192, 8192)))
            .exit_code == 0);
  check(bomb("turned.png", 8192, 8192, true), "8192 x 8192", enough.c_str());
#endif
}
