#include "models/drawing/drawing.hpp"

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <vector>

#include <catch2/catch.hpp>

#include "models/quantize/calibration.hpp"

using namespace intvit;

namespace {

std::uint64_t fnv1a(const Image &image) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const std::uint8_t byte : image.rgb)
    hash = (hash ^ byte) * 0x100000001b3;
  return hash;
}

// Squares of differences of green between pixels that are `distance` apart in a row, on average.
double contrast(const Image &image, int distance) {
  double sum = 0;
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x + distance < image.width; ++x) {
      const std::size_t i =
          (static_cast<std::size_t>(y) * static_cast<std::size_t>(image.width) + static_cast<std::size_t>(x)) * 3 + 1;
      const int difference = image.rgb[i] - image.rgb[i + static_cast<std::size_t>(distance) * 3];
      sum += difference * difference;
    }
  return sum / (image.height * (image.width - distance));
}

} // namespace

TEST_CASE("drawing: the same pictures on every machine") {
  // Of the first seeds at once; computed by GCC and clang, on x86-64 and 64-bit Arm.
  std::uint64_t together = 0;
  for (std::uint32_t seed = 0; seed < 8; ++seed)
    together = together * 31 + fnv1a(draw_picture(61, 47, seed));
  CHECK(together == 1632492265092188091ULL);
}

TEST_CASE("drawing: any size") {
  for (const auto &[width, height] :
       {std::array{1, 1}, std::array{1, 9}, std::array{2, 1}, std::array{33, 5}, std::array{5, 300}})
    for (std::uint32_t seed = 0; seed < 6; ++seed) {
      CAPTURE(width, height, seed);
      const Image image = draw_picture(width, height, seed);
      CHECK(image.width == width);
      CHECK(image.height == height);
      CHECK(check_pixels(image).ok());
    }
}

TEST_CASE("drawing: pictures differ, whatever the number of threads") {
  const std::vector<Image> images = draw_pictures(20, 40, 40, 5, 3);
  REQUIRE(images.size() == 20);
  std::set<std::uint64_t> hashes;
  for (std::size_t i = 0; i < images.size(); ++i) {
    hashes.insert(fnv1a(images[i]));
    CHECK(images[i].rgb == draw_picture(40, 40, 5 + static_cast<std::uint32_t>(i)).rgb);
    CHECK_FALSE(all_of_one_colour(std::span(&images[i], 1)));
  }
  CHECK(hashes.size() == 20);
  CHECK(draw_pictures(0, 40, 40, 0, 1).empty());
  CHECK_THROWS_WITH(draw_pictures(1, 4097, 1, 0, 1),
                    "pictures of 4097 x 1 pixels are not drawn; calibrate on photographs");
}

// Of photographs, and of everything whose power falls with the square of the frequency, differences grow slowly with
// the distance: by about half for each doubling. White noise has equal ones, a shade from side to side four times as
// large ones.
TEST_CASE("drawing: contrast grows with distance as in photographs") {
  std::array<double, 4> sums = {};
  for (const Image &image : draw_pictures(64, 128, 128, 0, 2))
    for (std::size_t i = 0; i < sums.size(); ++i)
      sums[i] += contrast(image, 2 << i);
  for (std::size_t i = 0; i + 1 < sums.size(); ++i) {
    CAPTURE(i, sums[i], sums[i + 1]);
    CHECK(sums[i + 1] / sums[i] > 1.15);
    CHECK(sums[i + 1] / sums[i] < 2);
  }
}
