// Preprocessing against what Pillow gives after torchvision's rules (tests/golden/images/recipe.txt).
#include "engine/image/preprocess.hpp"

#include <fstream>
#include <sstream>

#include <catch2/catch.hpp>

#include "tests/engine/image/pictures.hpp"
#include "tests/support/data.hpp"

using namespace intvit;
using namespace intvit::test;

namespace {

std::string refusal_of(std::string_view text) {
  const Result<Recipe> recipe = parse_recipe(text);
  CHECK_FALSE(recipe.ok());
  CHECK(recipe.status().code() == StatusCode::bad_argument);
  return recipe.status().message();
}

} // namespace

TEST_CASE("preprocess: equals torchvision's resize and crop on Pillow") {
  for_each_golden("recipe.txt", 135, [](std::istream &line) {
    std::string name;
    std::string text;
    int width = 0, height = 0;
    std::uint32_t checksum = 0;
    line >> name >> width >> height >> text >> std::hex >> checksum;
    REQUIRE(line);
    const Result<Recipe> recipe = parse_recipe(text);
    REQUIRE(recipe.ok());
    const Result<Image> input = preprocess(picture(name, width, height), *recipe);
    REQUIRE(input.ok());
    REQUIRE(input->width == recipe->crop_width);
    REQUIRE(input->height == recipe->crop_height);
    CHECK(crc32(input->rgb) == checksum);
  });
}

TEST_CASE("preprocess: the crop's offset rounds halves to even") {
  // The gradient's blue channel is x + 2 y: the first pixel tells where the crop began.
  for (const auto &[size, offset] : {std::pair(7, 0), {8, 0}, {9, 1}, {10, 2}, {11, 2}, {12, 2}, {13, 3}, {14, 4}}) {
    const Result<Image> input = preprocess(picture("gradient", size, 7), Recipe{.crop_width = 7, .crop_height = 7});
    REQUIRE(input.ok());
    CHECK(input->rgb[2] == offset);
  }
}

TEST_CASE("preprocess: the crop's offset rounds halves down where the recipe says so") {
  for (const auto &[size, offset] : {std::pair(7, 0), {8, 0}, {9, 1}, {10, 1}, {11, 2}, {12, 2}, {13, 3}, {14, 3}}) {
    const Result<Image> input = preprocess(picture("gradient", size, 7),
                                           Recipe{.crop_width = 7, .crop_height = 7, .offset = Recipe::Offset::down});
    REQUIRE(input.ok());
    CHECK(input->rgb[2] == offset);
  }
}

TEST_CASE("preprocess: a small picture is centred on black, the odd pixel right and below") {
  Image white = picture("noise", 2, 1);
  white.rgb.assign(6, 255);
  const Result<Image> input = preprocess(white, Recipe{.crop_width = 5, .crop_height = 4});
  REQUIRE(input.ok());
  REQUIRE(input->rgb.size() == 5 * 4 * 3);
  for (std::size_t y = 0; y < 4; ++y)
    for (std::size_t x = 0; x < 5; ++x)
      CHECK(input->rgb[(y * 5 + x) * 3] == (y == 1 && (x == 1 || x == 2) ? 255 : 0));
}

TEST_CASE("preprocess: refuses what it cannot do") {
  const auto message = [](const Image &image, const Recipe &recipe) {
    return preprocess(image, recipe).status().message();
  };
  CHECK(message(picture("noise", 1, 300), timm_recipe(224, 900)) ==
        "after the resize: a picture of 248 x 74400 pixels is too large: at most 65535 a side and 268435456 pixels are "
        "supported");
  CHECK(message(Image(), timm_recipe(224, 900)) == "a picture of 0 x 0 pixels is empty");
  CHECK(message(picture("noise", 3, 3), Recipe()) == "crop: a picture of 0 x 0 pixels is empty");
}

TEST_CASE("recipe: the usual ones") {
  CHECK(to_string(timm_recipe(224, 900)) == "resize=248,crop=224,filter=bicubic");
  CHECK(to_string(timm_recipe(224, 875)) == "resize=256,crop=224,filter=bicubic");
  CHECK(to_string(timm_recipe(384, 1000, ResizeFilter::bilinear)) == "resize=384,crop=384,filter=bilinear");
  CHECK(to_string(squash_recipe(224, 224)) == "resize=224x224,crop=224,filter=bilinear");
  CHECK(to_string(squash_recipe(256, 128, ResizeFilter::lanczos)) == "resize=256x128,crop=256x128,filter=lanczos");
  CHECK(to_string(timm_recipe(160, 96, 1000, CropMode::center)) ==
        "resize=160x96,fit=cover,crop=160x96,filter=bicubic");
  CHECK(to_string(timm_recipe(160, 96, 875, CropMode::center)) ==
        "resize=182x109,fit=cover,crop=160x96,filter=bicubic");
  CHECK(to_string(timm_recipe(384, 384, 950, CropMode::squash)) == "resize=404x404,crop=384,filter=bicubic");
  CHECK(*parse_recipe("resize=256x224,fit=exact") == squash_recipe(256, 224, ResizeFilter::bicubic));
  // timm divides by the rounded fraction: 336 / 0.56 is 600 exactly, but 599.99... in binary64.
  CHECK(timm_recipe(336, 560).resize_width == 599);
  CHECK(timm_recipe(336, 700).resize_width == 480);
  CHECK_FALSE(validate(timm_recipe(1024, 1)).ok());
  CHECK_FALSE(validate(timm_recipe(0, 900)).ok());
}

TEST_CASE("recipe: the named fractions equal timm's division") {
  for (int size = 1; size <= 1024; ++size)
    for (int thousandths = 1; thousandths <= 1000; ++thousandths)
      REQUIRE(timm_recipe(size, thousandths).resize_width == static_cast<int>(size / (thousandths / 1000.0)));
}

TEST_CASE("preprocess: a fit that covers keeps proportions and rounds as timm's ResizeKeepRatio") {
  int ties = 0;
  const auto resized = [](int width, int height, int target_width, int target_height) {
    // A larger crop has a black border, and what is not black tells the size.
    const Recipe recipe{Recipe::Fit::cover, target_width,      target_height,
                        ResizeFilter::box,  30 * target_width, 30 * target_height};
    Image white = picture("noise", width, height);
    white.rgb.assign(white.rgb.size(), 255);
    const Result<Image> image = preprocess(white, recipe);
    REQUIRE(image.ok());
    const auto lit = [&](int x, int y) {
      return image->rgb[static_cast<std::size_t>((y * image->width + x) * 3)] == 255;
    };
    std::pair<int, int> size{0, 0};
    for (int x = 0; x < image->width; ++x)
      size.first += lit(x, image->height / 2) ? 1 : 0;
    for (int y = 0; y < image->height; ++y)
      size.second += lit(image->width / 2, y) ? 1 : 0;
    return size;
  };
  for (const auto &[target_width, target_height] : {std::pair(16, 10), std::pair(7, 12), std::pair(10, 10)})
    for (int width = 5; width <= 40; ++width)
      for (int height = 5; height <= 40; height += 3) {
        const double ratio =
            std::min(static_cast<double>(width) / target_width, static_cast<double>(height) / target_height);
        const std::pair<int, int> expected{static_cast<int>(std::nearbyint(width / ratio)),
                                           static_cast<int>(std::nearbyint(height / ratio))};
        ties += std::abs(width / ratio - std::floor(width / ratio) - 0.5) < 1e-9 ? 1 : 0;
        ties += std::abs(height / ratio - std::floor(height / ratio) - 0.5) < 1e-9 ? 1 : 0;
        CAPTURE(width, height, target_width, target_height);
        REQUIRE(resized(width, height, target_width, target_height) == expected);
      }
  CHECK(ties > 20);
}

TEST_CASE("recipe: text and back") {
  for (const std::string text :
       {"resize=248,crop=224,filter=bicubic", "resize=256x224,crop=192x200,filter=box", "crop=224", "crop=7x65535",
        "resize=1,crop=1,filter=lanczos", "resize=256x256,crop=256,filter=bilinear", "crop=224,offset=down",
        "resize=256,crop=224,filter=bicubic,offset=down", "resize=160x96,fit=cover,crop=160x96,filter=bicubic",
        "resize=224x224,crop=224,filter=bilinear,order=pillow13", "crop=224,color=grey",
        "resize=224x224,crop=224,filter=bilinear,offset=down,order=pillow13,color=grey"}) {
    const Result<Recipe> recipe = parse_recipe(text);
    INFO(text);
    REQUIRE(recipe.ok());
    CHECK(to_string(*recipe) == text);
    CHECK(*parse_recipe(to_string(*recipe)) == *recipe);
  }
  const Result<Recipe> short_form = parse_recipe("resize=256x224");
  REQUIRE(short_form.ok());
  CHECK(*short_form == squash_recipe(256, 224, ResizeFilter::bicubic));
  CHECK(*parse_recipe("filter=bicubic,crop=224,resize=248") == timm_recipe(224, 900));
  CHECK(*parse_recipe("offset=half-even,crop=224,resize=248") == timm_recipe(224, 900));
  CHECK(*parse_recipe("color=rgb,crop=224,resize=248") == timm_recipe(224, 900));
  CHECK(*parse_recipe("order=rows,crop=224,resize=248") == timm_recipe(224, 900));
}

TEST_CASE("recipe: each mistake has its message") {
  CHECK(refusal_of("") ==
        "recipe '': '' is none of resize=SIZE, fit=NAME, crop=SIZE, filter=NAME, offset=NAME, order=NAME, color=NAME");
  CHECK(refusal_of("crop=224,") == "recipe 'crop=224,': '' is none of resize=SIZE, fit=NAME, crop=SIZE, filter=NAME, "
                                   "offset=NAME, order=NAME, color=NAME");
  CHECK(refusal_of("rezise=3") == "recipe 'rezise=3': 'rezise=3' is none of resize=SIZE, fit=NAME, crop=SIZE, "
                                  "filter=NAME, offset=NAME, order=NAME, color=NAME");
  CHECK(refusal_of("crop=2,crop=3") == "recipe 'crop=2,crop=3': 'crop' is given twice");
  CHECK(refusal_of("resize=2,resize=3") == "recipe 'resize=2,resize=3': 'resize' is given twice");
  CHECK(refusal_of("resize=2,crop=1,filter=box,filter=box") ==
        "recipe 'resize=2,crop=1,filter=box,filter=box': 'filter' is given twice");
  for (const std::string size : {"", "0", "-1", "x", "3x", "x3", "3x4x5", "3 ", "+3", "224px", "99999999999", "0x3"})
    CHECK(refusal_of("crop=" + size) ==
          "recipe 'crop=" + size + "': 'crop=" + size + "' needs a size as 224 or 192x224");
  CHECK(refusal_of("crop") == "recipe 'crop': 'crop' needs a size as 224 or 192x224");
  CHECK(refusal_of("resize=2,crop=1,filter=nearest") ==
        "recipe 'resize=2,crop=1,filter=nearest': 'nearest' is not a filter: box, bilinear, bicubic and lanczos are");
  CHECK(refusal_of("crop=2,filter=box") == "recipe 'crop=2,filter=box': a filter without resize=SIZE has no effect");
  CHECK(refusal_of("crop=2,offset=up") == "recipe 'crop=2,offset=up': 'up' is not an offset: down and half-even are");
  CHECK(refusal_of("crop=2,offset=down,offset=down") ==
        "recipe 'crop=2,offset=down,offset=down': 'offset' is given twice");
  CHECK(refusal_of("resize=2x3,order=columns") ==
        "recipe 'resize=2x3,order=columns': 'columns' is not an order: rows and pillow13 are");
  CHECK(refusal_of("resize=2x3,order=rows,order=rows") ==
        "recipe 'resize=2x3,order=rows,order=rows': 'order' is given twice");
  CHECK(refusal_of("crop=2,color=gray") == "recipe 'crop=2,color=gray': 'gray' is not a color: rgb and grey are");
  CHECK(refusal_of("color=grey,crop=2,color=rgb") == "recipe 'color=grey,crop=2,color=rgb': 'color' is given twice");
  CHECK(refusal_of("crop=2,order=pillow13") ==
        "recipe 'crop=2,order=pillow13': an order without resize=SIZE has no effect");
  CHECK(refusal_of("resize=2,fit=cover,crop=1") ==
        "recipe 'resize=2,fit=cover,crop=1': a fit needs a resize to width and height, as resize=192x224");
  CHECK(refusal_of("fit=cover,crop=1") ==
        "recipe 'fit=cover,crop=1': a fit needs a resize to width and height, as resize=192x224");
  CHECK(refusal_of("resize=2x3,fit=contain") ==
        "recipe 'resize=2x3,fit=contain': 'contain' is not a fit: cover and exact are");
  CHECK(refusal_of("resize=2x3,fit=cover,fit=cover") ==
        "recipe 'resize=2x3,fit=cover,fit=cover': 'fit' is given twice");
  CHECK(refusal_of("resize=248") == "recipe 'resize=248': crop=SIZE is missing");
  CHECK(refusal_of("crop=70000") ==
        "recipe 'crop=70000': crop: a picture of 70000 x 70000 pixels is too large: at most "
        "65535 a side and 268435456 pixels are supported");
  CHECK(refusal_of("resize=70000,crop=1") ==
        "recipe 'resize=70000,crop=1': resize: a picture of 70000 x 70000 pixels is "
        "too large: at most 65535 a side and 268435456 pixels are supported");
}

TEST_CASE("recipe: validation of fields that did not come from text") {
  Recipe recipe = timm_recipe(224, 900);
  CHECK(validate(recipe).ok());
  recipe.resize_height = 250;
  CHECK(validate(recipe).message() == "resize: the short side has two lengths, 248 and 250");
  recipe.fit = Recipe::Fit::none;
  CHECK(validate(recipe).message() == "resize: a size is given, but no resize wanted");
  recipe.fit = Recipe::Fit::exact;
  CHECK(validate(recipe).ok());
  recipe.crop_height = -5;
  CHECK(validate(recipe).message() == "crop: a picture of 224 x -5 pixels is empty");
  CHECK(validate(recipe).code() == StatusCode::bad_argument);
}
