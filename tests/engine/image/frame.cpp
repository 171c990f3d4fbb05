// Frames of cameras against a conversion pixel by pixel, with 64-bit integers and in real numbers.
#include "engine/image/frame.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/image/exif.hpp"
#include "engine/image/preprocess.hpp"
#include "engine/image/rgb_rows.hpp"
#include "tests/engine/image/pictures.hpp"

using namespace intvit;
using namespace intvit::test;

namespace {

constexpr std::array<PixelFormat, 8> formats = {PixelFormat::rgb,  PixelFormat::rgba, PixelFormat::grey,
                                                PixelFormat::yuyv, PixelFormat::uyvy, PixelFormat::nv12,
                                                PixelFormat::nv21, PixelFormat::i420};
constexpr std::array<YuvColors, 4> all_colors = {{{YuvColors::Space::bt601, YuvColors::Range::video},
                                                  {YuvColors::Space::bt601, YuvColors::Range::full},
                                                  {YuvColors::Space::bt709, YuvColors::Range::video},
                                                  {YuvColors::Space::bt709, YuvColors::Range::full}}};

using Pixel = std::array<int, 3>;

// docs/images.md's table and formulas.
Pixel rgb_of(int y, int u, int v, YuvColors colors) {
  struct Row {
    std::int64_t y, rv, gu, gv, bu;
  };
  constexpr std::array<Row, 4> rows = {{{9539, 13075, -3209, -6660, 16525},
                                        {8192, 11485, -2819, -5850, 14516},
                                        {9539, 14686, -1747, -4366, 17305},
                                        {8192, 12901, -1535, -3835, 15201}}};
  const bool full = colors.range == YuvColors::Range::full;
  const Row &row = rows[(colors.space == YuvColors::Space::bt709 ? 2U : 0U) + (full ? 1U : 0U)];
  y -= full ? 0 : 16;
  u -= 128;
  v -= 128;
  const auto byte = [](std::int64_t sum) {
    return static_cast<int>(std::clamp<std::int64_t>((sum + 4096) >> 13, 0, 255));
  };
  return {byte(row.y * y + row.rv * v), byte(row.y * y + row.gu * u + row.gv * v), byte(row.y * y + row.bu * u)};
}

// What the standards define: y = kr R + kg G + kb B, u = (B - y) / (2 (1 - kb)), v = (R - y) / (2 (1 - kr)), in steps.
std::array<double, 3> real_rgb_of(int y, int u, int v, YuvColors colors) {
  const bool is_601 = colors.space == YuvColors::Space::bt601;
  const bool full = colors.range == YuvColors::Range::full;
  const double kr = is_601 ? 0.299 : 0.2126;
  const double kb = is_601 ? 0.114 : 0.0722;
  const double luma = full ? y : (y - 16) * 255.0 / 219;
  const double red = luma + 2 * (1 - kr) * (v - 128) * (full ? 1 : 255.0 / 224);
  const double blue = luma + 2 * (1 - kb) * (u - 128) * (full ? 1 : 255.0 / 224);
  return {red, (luma - kr * red - kb * blue) / (1 - kr - kb), blue};
}

// A frame of random bytes, planes of their own, each of exactly the bytes that its rows have.
struct RandomFrame {
  Frame frame;
  int width, height;
  std::array<std::vector<std::uint8_t>, 3> planes;

  RandomFrame(Lcg &lcg, PixelFormat format, int w, int h) : width(w), height(h) {
    frame.format = format;
    frame.region = {0, 0, w, h};
    for (int p = 0; p < plane_count(format); ++p) {
      const auto index = static_cast<std::size_t>(p);
      const bool shared = p > 0; // a row for two
      const int rows = shared ? (h + 1) / 2 : h;
      const std::ptrdiff_t row_bytes = plane_row_bytes(format, p, w);
      const std::ptrdiff_t stride = row_bytes + lcg.between(0, 1) * lcg.between(0, 9);
      planes[index].resize(static_cast<std::size_t>(stride * (rows - 1) + row_bytes));
      for (std::uint8_t &byte : planes[index])
        byte = lcg.byte();
      const bool upwards = lcg.between(0, 3) == 0;
      frame.planes[index] = planes[index].data() + (upwards ? stride * (rows - 1) : 0);
      frame.strides[index] = upwards ? -stride : stride;
    }
  }

  Pixel pixel(int x, int y) const {
    const auto at = [&](int plane, int row, int byte) -> int {
      const auto index = static_cast<std::size_t>(plane);
      return frame.planes[index][row * frame.strides[index] + byte];
    };
    const auto yuv = [&](int luma, int u, int v) { return rgb_of(luma, u, v, frame.colors); };
    switch (frame.format) {
    case PixelFormat::rgb:
      return {at(0, y, 3 * x), at(0, y, 3 * x + 1), at(0, y, 3 * x + 2)};
    case PixelFormat::rgba:
      return {at(0, y, 4 * x), at(0, y, 4 * x + 1), at(0, y, 4 * x + 2)};
    case PixelFormat::grey:
      return {at(0, y, x), at(0, y, x), at(0, y, x)};
    case PixelFormat::yuyv:
      return yuv(at(0, y, 2 * x), at(0, y, x / 2 * 4 + 1), at(0, y, x / 2 * 4 + 3));
    case PixelFormat::uyvy:
      return yuv(at(0, y, 2 * x + 1), at(0, y, x / 2 * 4), at(0, y, x / 2 * 4 + 2));
    case PixelFormat::nv12:
      return yuv(at(0, y, x), at(1, y / 2, x / 2 * 2), at(1, y / 2, x / 2 * 2 + 1));
    case PixelFormat::nv21:
      return yuv(at(0, y, x), at(1, y / 2, x / 2 * 2 + 1), at(1, y / 2, x / 2 * 2));
    case PixelFormat::i420:
      return yuv(at(0, y, x), at(1, y / 2, x / 2), at(2, y / 2, x / 2));
    }
    return {};
  }

  // The region, then mirrored and turned by what turns photographs upright.
  Image expected() const {
    const Region &region = frame.region;
    Image image = *make_image(region.width, region.height);
    auto byte = image.rgb.begin();
    for (int y = region.top; y < region.top + region.height; ++y)
      for (int x = region.left; x < region.left + region.width; ++x)
        for (const int channel : pixel(x, y))
          *byte++ = static_cast<std::uint8_t>(channel);
    constexpr std::array<std::array<int, 4>, 2> orientations = {{{1, 6, 3, 8}, {2, 7, 4, 5}}};
    return *upright(std::move(image),
                    orientations[frame.mirrored ? 1 : 0][static_cast<std::size_t>(frame.quarter_turns)]);
  }
};

RandomFrame random_frame(Lcg &lcg, PixelFormat format) {
  const auto side = [&] { return lcg.between(0, 3) == 0 ? lcg.between(1, 3) : lcg.between(1, 70); };
  RandomFrame random(lcg, format, side(), side());
  Frame &frame = random.frame;
  frame.colors = all_colors[static_cast<std::size_t>(lcg.between(0, 3))];
  frame.mirrored = lcg.between(0, 1) != 0;
  frame.quarter_turns = lcg.between(0, 3);
  if (lcg.between(0, 2) != 0) {
    // Half of them end at the right or lower edge.
    const auto axis = [&](int size, int &begin, int &length) {
      begin = lcg.between(0, size - 1);
      length = lcg.between(0, 1) == 0 ? size - begin : lcg.between(1, size - begin);
    };
    axis(random.width, frame.region.left, frame.region.width);
    axis(random.height, frame.region.top, frame.region.height);
  }
  return random;
}

} // namespace

TEST_CASE("frame: y, u and v become the colours that the standards define, rounded") {
  int rounded_otherwise = 0;
  int all = 0;
  for (const YuvColors &colors : all_colors)
    for (int u = 0; u < 256; u += 5)
      for (int v = 0; v < 256; v += 5) {
        // Two pixels share the colour: 16 rows of 16.
        for (int first = 0; first < 256; first += 16) {
          std::array<std::uint8_t, 16> y{};
          std::array<std::uint8_t, 8> us{};
          std::array<std::uint8_t, 8> vs{};
          for (std::size_t i = 0; i < y.size(); ++i)
            y[i] = static_cast<std::uint8_t>(first + static_cast<int>(i));
          us.fill(static_cast<std::uint8_t>(u));
          vs.fill(static_cast<std::uint8_t>(v));
          std::array<std::uint8_t, 50> rgb{};
          yuv_to_rgb(PixelFormat::i420, {y.data(), us.data(), vs.data()}, 16, yuv_factors(colors), rgb.data());
          for (std::size_t i = 0; i < y.size(); ++i) {
            const std::array<double, 3> real = real_rgb_of(y[i], u, v, colors);
            const Pixel expected = rgb_of(y[i], u, v, colors);
            for (std::size_t channel = 0; channel < 3; ++channel, ++all) {
              const int value = rgb[i * 3 + channel];
              REQUIRE(value == expected[channel]);
              const double clamped = std::clamp(real[channel], 0.0, 255.0);
              REQUIRE(std::abs(value - clamped) < 0.54);
              rounded_otherwise += value != static_cast<int>(std::floor(clamped + 0.5)) ? 1 : 0;
            }
          }
        }
      }
  // Factors of 13 bits round another way where the sum lies beside one half.
  CHECK(rounded_otherwise < all / 100);
}

TEST_CASE("frame: any part of any frame, in any position") {
  Lcg lcg(31);
  for (const PixelFormat format : formats)
    for (int round = 0; round < 300; ++round) {
      const RandomFrame random = random_frame(lcg, format);
      CAPTURE(static_cast<int>(format), round, random.width, random.height);
      const Frame &frame = random.frame;
      const Image expected = random.expected();
      REQUIRE(frame.width() == expected.width);
      REQUIRE(frame.height() == expected.height);
      const int left = lcg.between(0, frame.width() - 1);
      const int width = lcg.between(1, frame.width() - left);
      const int top = lcg.between(0, frame.height() - 1);
      const int count = lcg.between(1, std::min(frame.height() - top, FrameReader::most_rows));
      const std::ptrdiff_t stride = FrameReader::row_bytes(width);
      std::vector<std::uint8_t> buffer(static_cast<std::size_t>(stride * count));
      const std::uint8_t *row = FrameReader(frame).read(top, count, left, width, buffer.data(), stride);
      for (int y = top; y < top + count; ++y, row += stride) {
        const auto begin = expected.rgb.begin() + (static_cast<std::ptrdiff_t>(y) * expected.width + left) * 3;
        REQUIRE(std::equal(begin, begin + static_cast<std::ptrdiff_t>(width) * 3, row));
      }
      if (const std::optional<ImageView> in_place = frame.rows_in_place()) {
        CHECK(format == PixelFormat::rgb);
        for (int y = 0; y < expected.height; ++y)
          REQUIRE(std::equal(expected.rgb.begin() + static_cast<std::ptrdiff_t>(y) * expected.width * 3,
                             expected.rgb.begin() + static_cast<std::ptrdiff_t>(y + 1) * expected.width * 3,
                             in_place->rgb + y * in_place->row_stride));
      }
    }
}

TEST_CASE("frame: resized and cropped as its picture is, one after another") {
  Lcg lcg(32);
  for (const char *text : {"resize=24,crop=20", "resize=90x13,filter=bilinear", "crop=20x40", "resize=20,crop=30",
                           "resize=40x9,filter=lanczos,order=pillow13"}) {
    const Result<Recipe> recipe = parse_recipe(text);
    REQUIRE(recipe.ok());
    Preprocessor preprocessor(*recipe);
    for (int round = 0; round < 200; ++round) {
      RandomFrame random = random_frame(lcg, formats[static_cast<std::size_t>(lcg.between(0, 7))]);
      Frame &frame = random.frame;
      const Result<Image> expected = preprocess(random.expected(), *recipe);
      REQUIRE(expected.ok());
      // The same size in place, converted, and again.
      for (const bool reversed : {false, true, false}) {
        frame.reversed = reversed;
        Image output = *make_image(recipe->crop_width, recipe->crop_height);
        REQUIRE(preprocessor.run(frame, output.rgb.data()).ok());
        if (reversed)
          for (std::size_t i = 0; i < output.rgb.size(); i += 3)
            std::swap(output.rgb[i], output.rgb[i + 2]);
        REQUIRE(output.rgb == expected->rgb);
        const Image whole = random.expected();
        REQUIRE(preprocessor.run(view(whole), output.rgb.data()).ok());
        REQUIRE(output.rgb == expected->rgb);
      }
    }
  }
}

// Some of Pillow's own, then every picture against the same with its pixels mixed beforehand.
TEST_CASE("frame: read as grey as Pillow mixes it") {
  const auto mixed = [](Image image) {
    for (std::size_t i = 0; i < image.rgb.size(); i += 3) {
      const double red = image.rgb[i] * 19595.0;
      const double green = image.rgb[i + 1] * 38470.0;
      const double blue = image.rgb[i + 2] * 7471.0;
      const auto grey = static_cast<std::uint8_t>(std::floor((red + green + blue) / 65536 + 0.5));
      image.rgb[i] = image.rgb[i + 1] = image.rgb[i + 2] = grey;
    }
    return image;
  };
  const Recipe pixels = *parse_recipe("crop=8x1,color=grey");
  Image colors = *make_image(8, 1);
  colors.rgb = {255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255, 1, 2, 3, 200, 100, 50, 50, 100, 200, 128, 128, 128};
  const std::vector<int> of_pillow = {76, 150, 29, 255, 2, 124, 96, 128};
  const Image grey = *preprocess(colors, pixels);
  for (std::size_t i = 0; i < grey.rgb.size(); ++i)
    CHECK(grey.rgb[i] == of_pillow[i / 3]);

  Lcg lcg(33);
  for (const std::string text : {"resize=24,crop=20", "crop=20x40", "resize=40x9,filter=lanczos,order=pillow13"}) {
    Preprocessor preprocessor(*parse_recipe(text + ",color=grey"));
    for (int round = 0; round < 300; ++round) {
      RandomFrame random = random_frame(lcg, formats[static_cast<std::size_t>(lcg.between(0, 7))]);
      const Image expected = *preprocess(mixed(random.expected()), *parse_recipe(text));
      Image output = *make_image(expected.width, expected.height);
      REQUIRE(preprocessor.run(random.frame, output.rgb.data()).ok());
      REQUIRE(output.rgb == expected.rgb);
      if (random.frame.format != PixelFormat::rgb)
        continue;
      // The same picture as BGR.
      Image exchanged = random.expected();
      for (std::size_t i = 0; i < exchanged.rgb.size(); i += 3)
        std::swap(exchanged.rgb[i], exchanged.rgb[i + 2]);
      Frame reversed = frame_of(view(exchanged));
      reversed.reversed = true;
      REQUIRE(preprocessor.run(reversed, output.rgb.data()).ok());
      REQUIRE(output.rgb == expected.rgb);
    }
  }
}
