// WebP files against Pillow, and damaged ones.
#include "engine/image/webp.hpp"

#include <string>

#include <catch2/catch.hpp>

#include "tests/engine/image/pictures.hpp"
#include "tests/support/data.hpp"

using namespace intvit;
using namespace intvit::test;

namespace {

std::string webp_file(const std::string &name) {
  return file_content(source_file("golden/images/webp/" + name));
}

} // namespace

TEST_CASE("webp: lossy, lossless, transparent, animated and turned pictures give the pixels that Pillow gives") {
  check_golden_pictures("webp.txt", 8, [](const std::string &name) { return decode_text(webp_file(name)); });
}

TEST_CASE("webp: files cut short are refused at every length") {
  for (const std::string name : {"lossy.webp", "lossless.webp", "alpha.webp", "animated.webp"}) {
    const std::string whole = webp_file(name);
    for (std::size_t size = 12; size + 1 < whole.size(); ++size) {
      INFO(name << " cut to " << size << " of " << whole.size() << " bytes");
      REQUIRE(decode_text(whole.substr(0, size)).status().code() == StatusCode::bad_format);
    }
  }
}

TEST_CASE("webp: damaged files") {
  Lcg random(3);
  for (const std::string name : {"lossy.webp", "lossless.webp", "alpha.webp", "animated.webp"}) {
    const std::string whole = webp_file(name);
    for (int round = 0; round < 300; ++round) {
      std::string damaged = whole;
      damaged[static_cast<std::size_t>(random.between(12, static_cast<int>(whole.size()) - 1))] =
          static_cast<char>(random.byte());
      const Result<Image> image = decode_text(damaged);
      if (image.ok())
        REQUIRE(check_pixels(*image).ok());
    }
  }
}

TEST_CASE("webp: a small file that announces a large picture") {
  // Lossless: 14 bits each of width - 1 and height - 1 behind a byte of signature.
  std::string file = webp_file("lossless.webp");
  const std::size_t size = file.find("VP8L") + 9;
  file.replace(size, 4, "\xFF\xFF\xFF\x0F"); // 16384 x 16384
  const std::string message = decode_text(file).status().message();
  CHECK(message == "origin: corrupt picture: " + std::to_string(file.size()) +
                       " bytes cannot hold 16384 x 16384 pixels: the file ends before the picture does");
}
