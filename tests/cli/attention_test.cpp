#include <algorithm>
#include <array>
#include <filesystem>

#include <catch2/catch.hpp>

#include "engine/image/decode.hpp"
#include "engine/image/preprocess.hpp"
#include "models/import/load.hpp"
#include "models/inspect/class_attention.hpp"
#include "tests/cli/program.hpp"
#include "tests/cli/small_models.hpp"
#include "tests/support/data.hpp"

using namespace intvit;
using namespace intvit::test;
using Catch::Matchers::Contains;

namespace {

// Runs `intvit attention`; the picture as any reader of PNG files sees it.
struct Drawn {
  Outcome outcome;
  Image picture;
};

Drawn draw(std::vector<std::string> arguments) {
  const std::string path = temporary_file("attention.png");
  std::filesystem::remove(path);
  arguments.insert(arguments.begin(), {"attention", sample_photograph(), "-o", path});
  Drawn drawn{run_program(arguments), {}};
  INFO(drawn.outcome.err);
  REQUIRE(drawn.outcome.exit_code == 0);
  CHECK(drawn.outcome.err.empty());
  CHECK_THAT(drawn.outcome.out, Catch::Matchers::StartsWith(path + ": "));
  CHECK(read_text(path).substr(1, 3) == "PNG");
  Result<Image> picture = load_image(path);
  REQUIRE(picture.ok());
  drawn.picture = std::move(*picture);
  return drawn;
}

std::array<int, 3> pixel(const Image &image, int x, int y) {
  const std::size_t at =
      (static_cast<std::size_t>(y) * static_cast<std::size_t>(image.width) + static_cast<std::size_t>(x)) * 3;
  return {image.rgb[at], image.rgb[at + 1], image.rgb[at + 2]};
}

// The sample photograph as a model of 32 x 32 pixels wants it, drawn `scale` times as large.
Image photograph(int scale) {
  const Result<Image> decoded = load_image(sample_photograph());
  REQUIRE(decoded.ok());
  const std::string side = std::to_string(32 * scale);
  Result<Image> image = preprocess(*decoded, *parse_recipe("resize=" + side + ",crop=" + side));
  REQUIRE(image.ok());
  return *image;
}

// The red of the heat over a pixel of the photograph, which shows through in grey: it rises all along the scale.
double red_of_heat(const std::array<int, 3> &drawn, const std::array<int, 3> &photograph) {
  const double grey = 0.299 * photograph[0] + 0.587 * photograph[1] + 0.114 * photograph[2];
  return (drawn[0] - 0.4 * grey) / 0.6;
}

// Where the panels of a picture with four of 128 x 128 pixels begin, which have letters of one pixel a stroke.
constexpr int gap = 4;
constexpr int line = 12;

} // namespace

TEST_CASE("attention draws the photograph and the heat of the model that ships beside it") {
  const Drawn drawn = draw({"--scale", "4"});
  CHECK(drawn.picture.width == 2 * 128 + gap);
  CHECK(drawn.picture.height == line + 128 + line + gap / 2);
  CHECK_THAT(drawn.outcome.out, Contains("260 x 154 pixels") && Contains("LIS-4") && Contains("80.36 % cat"));

  const Image expected = photograph(4);
  for (int y = 0; y < 128; ++y)
    for (int x = 0; x < 128; ++x)
      REQUIRE(pixel(drawn.picture, x, line + y) == pixel(expected, x, y));

  // Bright where the attention is, dark where it is least.
  const Result<std::shared_ptr<const Model>> model = Model::open(shipped_model());
  REQUIRE(model.ok());
  const ClassAttention attention = class_attention(*model, photograph(1), {}, 1);
  REQUIRE(attention.grid_width == 8);
  const auto heat = [&](std::ptrdiff_t patch) {
    const int x = static_cast<int>(patch % 8) * 16 + 8;
    const int y = static_cast<int>(patch / 8) * 16 + 8;
    return red_of_heat(pixel(drawn.picture, 128 + gap + x, line + y), pixel(expected, x, y));
  };
  const auto [least, most] = std::minmax_element(attention.weights.begin(), attention.weights.end());
  constexpr double grey_steps = 6; // the photograph's grey is drawn in steps
  for (std::ptrdiff_t patch = 0; patch < 64; ++patch) {
    CHECK(heat(patch) <= heat(most - attention.weights.begin()) + grey_steps);
    CHECK(heat(patch) >= heat(least - attention.weights.begin()) - grey_steps);
  }
  CHECK(heat(most - attention.weights.begin()) > 240);
  CHECK(heat(least - attention.weights.begin()) < 20);
  // The scale of colours below the photograph goes from the darkest to the brightest; letters stand beside it.
  const int middle = line + 128 + gap / 2 + 5;
  std::array<int, 3> last = {0, 0, 0};
  int brighter = 0;
  for (int x = 40; x < 88; ++x) {
    const std::array<int, 3> colour = pixel(drawn.picture, x, middle);
    brighter += colour[0] >= last[0] ? 1 : 0;
    last = colour;
  }
  CHECK(brighter == 48);
  CHECK(last[0] > 200);
  char percent[32];
  std::snprintf(percent, sizeof percent, "brightest patch %.2f %%", 100 * *most);
  CHECK_THAT(drawn.outcome.out, Contains(percent));
}

TEST_CASE("attention: several models and the float weights side by side, captions, on one scale") {
  const std::string int16 = random_vit_file("one.intvit.safetensors");
  const std::string int8 = random_vit_file("two.safetensors", {.softmax = kernels::Softmax::int8});
  const Drawn drawn =
      draw({"-m", shipped_model(), "-m", int16, "--model", int8, "--float", shipped_weights(), "--scale", "4"});
  CHECK(drawn.picture.width == 5 * 128 + 4 * gap);
  const std::string &out = drawn.outcome.out;
  CHECK_THAT(out,
             Contains("  float ") && Contains("  LIS-4 ") && Contains("  int16 softmax") && Contains("  int8 softmax"));
  CHECK(out.find("float") < out.find("LIS-4"));
  CHECK(out.find("LIS-4") < out.find("int16 softmax"));
  CHECK_THAT(out, Contains("% class ")); // random models have no labels

  // The float model says about what its integer form says; the numbers come from its own attention.
  const FloatModel weights = load_float_model(shipped_weights()).model;
  const ClassAttention attention = class_attention(weights, photograph(1), {});
  char percent[64];
  std::snprintf(percent, sizeof percent, "brightest patch %.2f %%",
                100 * *std::max_element(attention.weights.begin(), attention.weights.end()));
  CHECK_THAT(out.substr(out.find("float")), Contains(percent));

  // With the same softmax models go by their files' names.
  const std::string other = random_vit_file("other.safetensors");
  CHECK_THAT(draw({"-m", int16, "-m", other}).outcome.out, Contains("  one ") && Contains("  other "));
}

TEST_CASE("attention: block, head and rollout each give another picture") {
  std::vector<std::string> pictures;
  for (const std::vector<std::string> &options : {std::vector<std::string>{"--block", "0"},
                                                  {"--block", "5"},
                                                  {"--head", "0"},
                                                  {"--head", "2", "--block", "5"},
                                                  {"--rollout"},
                                                  {"--rollout", "--head", "1"},
                                                  {}}) {
    std::vector<std::string> arguments{"--scale", "2"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const Image picture = draw(arguments).picture;
    pictures.emplace_back(picture.rgb.begin(), picture.rgb.end());
  }
  const Image middle = draw({"--scale", "2", "--block", "2"}).picture;
  CHECK(pictures.back() == std::string(middle.rgb.begin(), middle.rgb.end())); // of 6 blocks
  std::sort(pictures.begin(), pictures.end());
  CHECK(std::adjacent_find(pictures.begin(), pictures.end()) == pictures.end());
}

TEST_CASE("attention: threads, instruction sets and other recipes") {
  const Image one = draw({"-t", "1", "--scale", "1"}).picture;
  CHECK(draw({"-t", "3", "--isa", "reference", "--scale", "1"}).picture.rgb == one.rgb);
  CHECK(draw({"--scale", "1", "--preprocess", "resize=40,crop=32"}).picture.rgb != one.rgb);
  // A recipe that takes pixels as they are: enlarged, they are the same.
  CHECK(draw({"--scale", "2", "--preprocess", "crop=32"}).picture.width == 2 * 64 + gap);
  // About 400 pixels wide.
  CHECK(draw({}).picture.width > 2 * 370);
  CHECK(draw({}).picture.width < 2 * 450);
}

TEST_CASE("attention of a model without a head tells no class") {
  const std::string features = random_vit_file("features.safetensors", {}, 1, 32, 0);
  const Drawn drawn = draw({"-m", features, "--scale", "4"});
  CHECK(drawn.picture.height == line + 128 + line + gap / 2);
  CHECK_THAT(drawn.outcome.out, !Contains("class "));
}

TEST_CASE("attention's bad input") {
  const std::string output = temporary_file("never.png");
  const std::string image = sample_photograph();
  const std::string swin = random_swin_file("swin.safetensors");
  const std::string patches = random_vit_file("patches.safetensors", {}, 0);
  const std::string larger = random_vit_file("larger.safetensors", {}, 1, 64);
  const std::vector<Refusal> cases = {
      {{"-o", output}, 2, "no image is given"},
      {{image, image, "-o", output}, 2, "only one image can be drawn"},
      {{image}, 2, "--output is missing"},
      {{image, "-o", output, "--block", "-1"}, 2, "--block must be an integer"},
      {{image, "-o", output, "--block", "x"}, 2, "x"},
      {{image, "-o", output, "--head", "-1"}, 2, "--head must be an integer"},
      {{image, "-o", output, "--scale", "0"}, 2, "--scale must be an integer from 1 to 64"},
      {{image, "-o", output, "--rollout", "--block", "1"}, 2, "--rollout goes through all blocks"},
      {{image, "-o", output, "--preprocess", "crop=31"},
       2,
       "--preprocess gives images of 31 x 31, the model takes 32 x 32"},
      {{image, "-o", output, "--isa", "mmx"}, 2, "mmx"},
      {{image, "-o", output, "-t", "-1"}, 2, "--threads"},
      {{image, "-o", output, "--block", "6"}, 1, ": there is no block 6, blocks are 0 to 5"},
      {{image, "-o", output, "--head", "3"}, 1, ": there is no head 3, heads are 0 to 2"},
      {{image, "-o", output, "-m", swin}, 1, swin + ": there is no class token's attention to show: tokens attend"},
      {{image, "-o", output, "-m", patches}, 1, patches + ": there is no class token's attention to show: the model's"},
      {{image, "-o", output, "-m", shipped_model(), "-m", larger}, 1, larger + ": takes images of another size than"},
      {{image, "-o", output, "-m", "/nonexistent"}, 1, "/nonexistent"},
      {{image, "-o", output, "--float", "/nonexistent"}, 1, "/nonexistent"},
      {{image, "-o", output, "--float", shipped_weights(), "--arch", "resnet50"}, 1, "resnet50"},
      {{"/nonexistent.png", "-o", output}, 1, "/nonexistent.png"},
      {{image, "-o", "/nonexistent/a.png"}, 1, "/nonexistent/a.png"},
  };
  check_refused({"attention"}, cases);
  CHECK_FALSE(std::filesystem::exists(output));
}
