// Resizing against what Pillow gives (tests/golden/images).
#include "engine/image/resize.hpp"

#include <fstream>
#include <sstream>
#include <utility>

#include <catch2/catch.hpp>

#include "engine/image/decode.hpp"
#include "tests/engine/image/pictures.hpp"
#include "tests/support/data.hpp"

using namespace intvit;
using namespace intvit::test;

TEST_CASE("resize: equals Pillow byte for byte with every instruction set") {
  for_each_golden("resize.txt", 376, [](std::istream &line) {
    std::string name;
    std::string filter;
    int width = 0, height = 0, new_width = 0, new_height = 0;
    std::uint32_t checksum = 0;
    line >> name >> width >> height >> filter >> new_width >> new_height >> std::hex >> checksum;
    REQUIRE(line);
    const auto kind = resize_filter(filter);
    REQUIRE(kind.has_value());
    const Image image = picture(name, width, height);
    for (const kernels::KernelTable &kernels : kernels::available_kernels()) {
      INFO(kernels.name);
      const Result<Image> resized = resize(image, new_width, new_height, *kind, kernels);
      REQUIRE(resized.ok());
      REQUIRE(resized->width == new_width);
      REQUIRE(resized->height == new_height);
      CHECK(crc32(resized->rgb) == checksum);
    }
  });
}

TEST_CASE("resize: in Pillow 13's order of passes equals Pillow 13 byte for byte with every instruction set") {
  int columns = 0;
  for_each_golden("resize13.txt", 144, [&](std::istream &line) {
    std::string name;
    std::string filter;
    int width = 0, height = 0, new_width = 0, new_height = 0;
    std::uint32_t checksum = 0;
    line >> name >> width >> height >> filter >> new_width >> new_height >> std::hex >> checksum;
    REQUIRE(line);
    const Image image = picture(name, width, height);
    const auto kind = resize_filter(filter);
    REQUIRE(kind.has_value());
    for (const kernels::KernelTable &kernels : kernels::available_kernels()) {
      INFO(kernels.name);
      const Result<Image> resized = resize(image, new_width, new_height, *kind, kernels, PassOrder::pillow13);
      REQUIRE(resized.ok());
      CHECK(crc32(resized->rgb) == checksum);
    }
    const bool both = width != new_width && height != new_height;
    columns += both && columns_first(width, height, new_width, new_height) ? 1 : 0;
  });
  CHECK(columns >= 60);
}

TEST_CASE("resize: small results, pixel by pixel") {
  struct Sizes {
    int width, height, new_width, new_height;
  };
  for (const Sizes &s : {Sizes{16, 12, 9, 7}, Sizes{9, 7, 16, 12}, Sizes{3, 3, 2, 2}})
    for (const ResizeFilter filter :
         {ResizeFilter::box, ResizeFilter::bilinear, ResizeFilter::bicubic, ResizeFilter::lanczos}) {
      std::ostringstream file;
      file << "noise_" << s.width << "x" << s.height << "_" << name(filter) << "_" << s.new_width << "x" << s.new_height
           << ".ppm";
      INFO(file.str());
      const Result<Image> expected = load_image(source_file("golden/images/resize/" + file.str()));
      REQUIRE(expected.ok());
      const Result<Image> resized = resize(picture("noise", s.width, s.height), s.new_width, s.new_height, filter);
      REQUIRE(resized.ok());
      CHECK(resized->rgb == expected->rgb);
    }
}

TEST_CASE("resize: a region is the same part of the whole") {
  Lcg lcg(11);
  for (int round = 0; round < 200; ++round) {
    const Image image = picture("noise", lcg.between(1, 60), lcg.between(1, 60));
    const int width = lcg.between(0, 4) == 0 ? image.width : lcg.between(1, 60);
    const int height = lcg.between(0, 4) == 0 ? image.height : lcg.between(1, 60);
    const auto filter = static_cast<ResizeFilter>(lcg.between(0, 3));
    Region region;
    region.left = lcg.between(0, width - 1);
    region.top = lcg.between(0, height - 1);
    region.width = lcg.between(1, width - region.left);
    region.height = lcg.between(1, height - region.top);
    const auto order = static_cast<PassOrder>(round % 2);
    const Result<Image> whole = resize(image, width, height, filter, kernels::default_kernels(), order);
    const Result<Image> part = resize_region(image, width, height, filter, region, kernels::default_kernels(), order);
    REQUIRE(whole.ok());
    REQUIRE(part.ok());
    REQUIRE(part->width == region.width);
    REQUIRE(part->height == region.height);
    std::vector<std::uint8_t> expected;
    for (int y = region.top; y < region.top + region.height; ++y) {
      const auto row = whole->rgb.begin() + (static_cast<std::ptrdiff_t>(y) * width + region.left) * 3;
      expected.insert(expected.end(), row, row + static_cast<std::ptrdiff_t>(region.width) * 3);
    }
    REQUIRE(part->rgb == expected);
  }
}

TEST_CASE("resize: one resizer for pictures of many sizes, and tables that are made once") {
  struct Sizes {
    int width, height, new_width, new_height;
  };
  const std::vector<Sizes> sizes = {{30, 20, 12, 8},  {20, 30, 8, 12}, {20, 30, 12, 8}, {30, 20, 30, 8},
                                    {30, 20, 12, 20}, {12, 8, 30, 20}, {12, 8, 12, 8},  {30, 20, 11, 8},
                                    {31, 20, 12, 8},  {30, 21, 12, 8}};
  Resizer resizer;
  for (int round = 0; round < 3; ++round)
    for (const Sizes &s : sizes)
      for (const auto &[filter, order] :
           {std::pair(ResizeFilter::bicubic, PassOrder::rows), std::pair(ResizeFilter::bicubic, PassOrder::pillow13),
            std::pair(ResizeFilter::box, PassOrder::rows)})
        for (const Region &region : {Region{0, 0, s.new_width, s.new_height}, Region{2, 3, 5, 4}}) {
          const Image image = picture("noise", s.width, s.height);
          const Result<Image> expected =
              resize_region(image, s.new_width, s.new_height, filter, region, kernels::default_kernels(), order);
          REQUIRE(expected.ok());
          REQUIRE(resizer.prepare(s.width, s.height, s.new_width, s.new_height, filter, region, order).ok());
          Image found = *make_image(region.width, region.height);
          resizer.run(frame_of(view(image)), found.rgb.data(), static_cast<std::ptrdiff_t>(found.row_bytes()),
                      kernels::default_kernels());
          REQUIRE(found.rgb == expected->rgb);
        }

  ResampleTables tables;
  const auto find = [&](int size) { return tables.find(size, 224, ResizeFilter::bicubic, 0, 224); };
  const int first = find(500);
  const auto *const weights = tables[first].weights.data();
  for (int size = 501; size < 508; ++size)
    find(size);
  CHECK(find(500) == first);
  CHECK(tables[first].weights.data() == weights);
  for (int size = 501; size < 509; ++size) // one more than are kept
    CHECK(tables[find(size)].weights == resample_table(size, 224, ResizeFilter::bicubic, 0, 224).weights);
  CHECK(tables[find(500)].weights == resample_table(500, 224, ResizeFilter::bicubic, 0, 224).weights);
}

TEST_CASE("resize: impossible requests are refused") {
  const Image image = picture("noise", 4, 3);
  const auto message = [](const Result<Image> &result) { return result.status().message(); };
  CHECK(message(resize(image, 0, 3, ResizeFilter::box)) == "a picture of 0 x 3 pixels is empty");
  CHECK(message(resize(image, 3, -1, ResizeFilter::box)) == "a picture of 3 x -1 pixels is empty");
  CHECK(message(resize(image, 65'536, 1, ResizeFilter::box)) ==
        "a picture of 65536 x 1 pixels is too large: at most 65535 a side and 268435456 pixels are supported");
  CHECK(message(resize(image, 20'000, 20'000, ResizeFilter::box)) ==
        "a picture of 20000 x 20000 pixels is too large: at most 65535 a side and 268435456 pixels are supported");
  CHECK(message(resize(Image(), 2, 2, ResizeFilter::box)) == "a picture of 0 x 0 pixels is empty");

  Image short_of_bytes = image;
  short_of_bytes.rgb.pop_back();
  const Result<Image> refused = resize(short_of_bytes, 2, 2, ResizeFilter::box);
  CHECK(refused.status().code() == StatusCode::bad_argument);
  CHECK(message(refused) == "a picture of 4 x 3 pixels cannot have 35 bytes");

  CHECK(message(resize_region(image, 8, 8, ResizeFilter::box, {4, 0, 5, 8})) ==
        "the region to keep (5 x 8 at 4, 0) is not inside 8 x 8 pixels");
  for (const Region &outside : {Region{-1, 0, 2, 2}, Region{0, -1, 2, 2}, Region{0, 0, 0, 2}, Region{0, 0, 2, 0},
                                Region{0, 7, 8, 2}, Region{2'147'483'647, 0, 2, 2}, Region{0, 0, 9, 1}})
    CHECK(resize_region(image, 8, 8, ResizeFilter::box, outside).status().code() == StatusCode::bad_argument);

  // The picture in between has the new width and the old height.
  const Image column = picture("noise", 1, 65'535);
  CHECK(message(resize(column, 65'535, 1, ResizeFilter::box)) ==
        "a picture of 65535 x 65535 pixels is too large: at most 65535 a side and 268435456 pixels are supported");
}
