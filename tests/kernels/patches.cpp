// Patches against direct indexing of the image.
#include "kernels/patches.hpp"

#include <vector>

#include <catch2/catch.hpp>

#include "kernels/dispatch.hpp"
#include "tests/kernels/random.hpp"

using namespace intvit::kernels;
using namespace intvit::test;

TEST_CASE("patches: every pixel in its place, minus 128, and only the patches asked for") {
  Random random(1);
  for (int round = 0; round < 300; ++round) {
    const int patch = random.between(1, 20);
    const int columns = random.between(1, 9);
    const int rows = random.between(1, 9);
    // Half of the images have pixels that fill no patch, at the right and below.
    const int width = patch * columns + (round % 2 == 0 ? 0 : random.between(0, patch - 1));
    const int height = patch * rows + (round % 2 == 0 ? 0 : random.between(0, patch - 1));
    const int length = patch * patch * 3;
    const int bytes = rows * columns * length;
    const auto image = random.values<std::uint8_t>(static_cast<std::size_t>(width * height * 3), 0, 255);
    const int begin = random.between(0, rows * columns - 1);
    const Range range{begin, random.between(begin, rows * columns)};

    constexpr std::int8_t untouched = 77;
    std::vector<std::int8_t> expected(static_cast<std::size_t>(bytes), untouched);
    for (int p = range.begin; p < range.end; ++p)
      for (int y = 0; y < patch; ++y)
        for (int x = 0; x < patch; ++x)
          for (int colour = 0; colour < 3; ++colour) {
            const int image_y = p / columns * patch + y;
            const int image_x = p % columns * patch + x;
            const int from = (image_y * width + image_x) * 3 + colour;
            const int to = p * length + (y * patch + x) * 3 + colour;
            expected[static_cast<std::size_t>(to)] =
                static_cast<std::int8_t>(image[static_cast<std::size_t>(from)] - 128);
          }
    for (const KernelTable &kernels : available_kernels()) {
      std::vector<std::int8_t> output(expected.size(), untouched);
      kernels.patches({image.data(), width, patch, output.data()}, range);
      if (output != expected)
        FAIL(kernels.name << ": " << rows << " x " << columns << " patches of " << patch);
    }
  }
}
