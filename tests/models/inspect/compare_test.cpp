// Two models compared: against themselves, and against figures counted by hand.
#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>

#include <catch2/catch.hpp>

#include "models/evaluate/measures.hpp"
#include "models/inspect/compare.hpp"
#include "models/reference/forward.hpp"
#include "tests/models/inspect/models.hpp"
#include "tests/support/data.hpp"
#include "tests/support/run_model.hpp"
#include "tests/support/tiny_model.hpp"

namespace intvit {
namespace {

using Catch::Matchers::Contains;

// Random pictures as files, of the models' own size.
std::vector<ComparedImage> pictures(int count, int side) {
  std::vector<ComparedImage> images;
  int index = 0;
  for (const Image &image : test::random_images(count, side, side, 9)) {
    const std::string path =
        test::temporary_file("picture" + std::to_string(side) + "_" + std::to_string(index) + ".ppm");
    std::ofstream file(path, std::ios::binary);
    file << "P6\n" << side << " " << side << "\n255\n";
    file.write(reinterpret_cast<const char *>(image.rgb.data()), static_cast<std::streamsize>(image.rgb.size()));
    images.push_back({path, index++ % 5});
  }
  return images;
}

Comparison compare_all(ComparedModel &first, ComparedModel &second, const std::vector<ComparedImage> &images,
                       int threads) {
  std::size_t calls = 0;
  const Comparison result =
      compare(first, second, images, squash_recipe(first.image_width(), first.image_height()),
              kernels::default_kernels(), threads, [&](std::size_t done) { CHECK(done == ++calls); });
  CHECK(calls == images.size());
  return result;
}

// Of few bits, so that something differs.
std::shared_ptr<const Model> coarse(const FloatModel &weights) {
  return test::quantized(
      weights,
      {.residual = ResidualFormat::int8, .softmax = kernels::Softmax::lis4, .weight_levels = WeightLevels::int4});
}

TEST_CASE("compare: a model is like itself") {
  const std::vector<ComparedImage> images = pictures(6, 32);
  const FloatModel weights = test::small_vit();
  for (const bool integer : {true, false}) {
    const auto model = test::quantized(weights);
    const auto first = integer ? compared(model, 2) : compared(weights);
    const auto second = integer ? compared(model, 2) : compared(weights);
    const Comparison result = compare_all(*first, *second, images, 2);
    CHECK(result.images.size() == 6);
    CHECK(result.agreement == 100);
    CHECK(result.cosine == Approx(1).margin(1e-12));
    CHECK(result.errors.empty());
    CHECK(result.first_top1 == result.second_top1);
    CHECK(result.layers.size() == (integer ? 7 : 0)); // a float model's layers have no names
    for (const LayerComparison &layer : result.layers) {
      CHECK(layer.cosine == Approx(1).margin(1e-12));
      CHECK(layer.lowest_cosine == Approx(1).margin(1e-12));
    }
  }
}

TEST_CASE("compare: figures are those that the two models' logits give") {
  const std::vector<ComparedImage> images = pictures(40, 32);
  const FloatModel weights = test::small_vit();
  const auto model = coarse(weights);
  const auto first = compared(model, 2);
  const auto second = compared(weights);
  const Comparison result = compare_all(*first, *second, images, 2);
  REQUIRE(result.images.size() == 40);

  Session session = test::start_session(model);
  int same = 0;
  int first_right = 0;
  double cosines = 0;
  const std::vector<Image> pixels = test::random_images(40, 32, 32, 9);
  for (std::size_t i = 0; i < images.size(); ++i) {
    const std::vector<std::int32_t> logits = test::run_logits(session, {&pixels[i], 1});
    const std::vector<double> a(logits.begin(), logits.end());
    const std::vector<float> reference = reference::forward(weights, pixels[i]);
    const std::vector<double> b(reference.begin(), reference.end());
    const auto best = [](const std::vector<double> &logits) {
      return static_cast<int>(std::max_element(logits.begin(), logits.end()) - logits.begin());
    };
    const ImageComparison &image = result.images[i];
    CHECK(image.path == images[i].path);
    CHECK(image.label == static_cast<int>(i % 5));
    CHECK(image.first.label == best(a));
    CHECK(image.second.label == best(b));
    CHECK(image.cosine == Approx(cosine(a, b)));
    double sum = 0;
    for (const double logit : b)
      sum += std::exp(logit);
    CHECK(image.second.probability == Approx(std::exp(b[static_cast<std::size_t>(best(b))]) / sum));
    sum = 0;
    for (const double logit : a)
      sum += std::exp(std::ldexp(logit, -model->logit_fraction_bits()));
    CHECK(image.first.probability ==
          Approx(std::exp(std::ldexp(a[static_cast<std::size_t>(best(a))], -model->logit_fraction_bits())) / sum));
    same += best(a) == best(b);
    first_right += best(a) == static_cast<int>(i % 5);
    cosines += cosine(a, b);
  }
  CHECK(result.agreement == Approx(100.0 * same / 40));
  CHECK(result.cosine == Approx(cosines / 40));
  REQUIRE(result.first_top1);
  CHECK(*result.first_top1 == Approx(100.0 * first_right / 40));
  REQUIRE(result.layers.size() == 7);
  CHECK(result.layers.front().name == "patch_embed");
  for (const LayerComparison &layer : result.layers) {
    CHECK(layer.cosine > 0.9);
    CHECK(layer.cosine < 0.99999);
    CHECK(layer.lowest_cosine <= layer.cosine);
  }

  // Threads change nothing.
  const auto alone = compared(model, 1);
  const Comparison again = compare_all(*alone, *second, images, 1);
  CHECK(again.cosine == result.cosine);
  for (std::size_t i = 0; i < 7; ++i)
    CHECK(again.layers[i].cosine == result.layers[i].cosine);
}

TEST_CASE("compare: labels agree by decisions, and outputs differ by their numbers") {
  const std::vector<ComparedImage> images = pictures(20, 32);
  FloatModel weights = test::small_vit();
  std::get<VitModel>(weights).config.head = ResultKind::labels;
  const auto model = coarse(weights);
  const auto first = compared(model, 2);
  const auto second = compared(weights);
  const Comparison result = compare_all(*first, *second, images, 2);
  Session session = test::start_session(model);
  double alike = 0;
  double difference = 0;
  const std::vector<Image> pixels = test::random_images(20, 32, 32, 9);
  for (std::size_t i = 0; i < images.size(); ++i) {
    const std::vector<std::int32_t> logits = test::run_logits(session, {&pixels[i], 1});
    const std::vector<float> reference = reference::forward(weights, pixels[i]);
    int same = 0;
    for (std::size_t label = 0; label < logits.size(); ++label) {
      same += (logits[label] < 0) == (reference[label] < 0) ? 1 : 0;
      difference +=
          std::abs(std::ldexp(logits[label], -model->logit_fraction_bits()) - static_cast<double>(reference[label]));
    }
    CHECK(result.images[i].agreement == Approx(same / 5.0));
    alike += same;
  }
  CHECK(result.agreement == Approx(100 * alike / (20 * 5)));
  CHECK(result.agreement < 100);
  CHECK(result.difference == Approx(difference / (20 * 5)));
}

TEST_CASE("compare: models of other shapes have no layers in common, of other sizes nothing") {
  const std::vector<ComparedImage> images = pictures(3, 32);
  const auto vit = compared(test::quantized(test::small_vit()), 1);
  const auto two_tokens = compared(test::quantized(test::small_vit(Pool::token, 2)), 1);
  const Comparison result = compare_all(*vit, *two_tokens, images, 1);
  CHECK(result.images.size() == 3);
  CHECK(result.layers.empty());
  const auto swin = compared(test::quantized(test::small_swin()), 1);
  CHECK_THROWS_WITH(compare_all(*vit, *swin, images, 1), Contains("images of other sizes"));
  FloatModel more = test::small_vit();
  std::get<VitModel>(more).config.classes = 6;
  const auto six_classes = compared(more);
  CHECK_THROWS_WITH(compare_all(*vit, *six_classes, images, 1), Contains("numbers of classes"));
}

TEST_CASE("compare: an image that cannot be read is reported, labels that are not known are left out") {
  std::vector<ComparedImage> images = pictures(3, 32);
  images[1].path = test::temporary_file("missing.png");
  images[2].label.reset();
  const auto model = test::quantized(test::small_vit());
  const auto first = compared(model, 1);
  const auto second = compared(model, 1);
  const Comparison result = compare_all(*first, *second, images, 1);
  CHECK(result.images.size() == 2);
  REQUIRE(result.errors.size() == 1);
  CHECK_THAT(result.errors.front(), Contains(images[1].path));
  CHECK_FALSE(result.first_top1.has_value());
  CHECK(result.agreement == 100);
}

} // namespace
} // namespace intvit
