// A model of scores evaluated: against figures computed by hand.
#include "models/evaluate/evaluate_scores.hpp"

#include <cmath>

#include <catch2/catch.hpp>

#include "models/evaluate/measures.hpp"
#include "models/reference/forward.hpp"
#include "tests/models/evaluate/picture_files.hpp"
#include "tests/models/inspect/models.hpp"
#include "tests/support/data.hpp"
#include "tests/support/small_vit.hpp"

namespace intvit {
namespace {

FloatModel model_of_scores(int scores) {
  VitModel model = random_weights(
      test::small_vit_config({.height = 32, .width = 32, .channels = 32, .depth = 3, .hidden = 64, .classes = scores}),
      11);
  model.config.head = ResultKind::scores;
  return model;
}

TEST_CASE("evaluate scores: figures are those computed by hand") {
  for (const int scores : {1, 3}) {
    const FloatModel weights = model_of_scores(scores);
    const auto model = test::quantized(weights);
    REQUIRE(model->result_kind() == ResultKind::scores);
    std::vector<ScoredImage> images;
    const auto width = static_cast<std::size_t>(scores);
    std::vector<std::vector<double>> truth(width);
    std::vector<std::vector<double>> found(width);
    std::vector<std::vector<double>> expected(width);
    double absolute = 0;
    double squares = 0;
    double float_absolute = 0;
    double difference = 0;
    double cosines = 0;
    for (const test::PictureFile &file : test::picture_files(10, 32)) {
      ScoredImage &image = images.emplace_back(ScoredImage{file.path, {}});
      const std::vector<std::int32_t> logits = test::logits_of(model, file.pixels);
      const std::vector<float> floats = reference::forward(weights, file.pixels);
      for (std::size_t i = 0; i < width; ++i) {
        image.scores.push_back(std::sin(static_cast<double>(images.size() + 5 * i)));
        const double value = logits[i] / std::pow(2.0, model->logit_fraction_bits());
        truth[i].push_back(image.scores[i]);
        found[i].push_back(value);
        expected[i].push_back(floats[i]);
        absolute += std::abs(value - image.scores[i]);
        squares += std::pow(value - image.scores[i], 2);
        float_absolute += std::abs(static_cast<double>(floats[i]) - image.scores[i]);
        difference += std::abs(value - static_cast<double>(floats[i]));
      }
      cosines +=
          cosine(std::vector<double>(logits.begin(), logits.end()), std::vector<double>(floats.begin(), floats.end()));
    }
    double correlations = 0;
    double float_correlations = 0;
    for (std::size_t i = 0; i < width; ++i) {
      correlations += *correlation(truth[i], found[i]);
      float_correlations += *correlation(truth[i], expected[i]);
    }
    const double numbers = 10.0 * scores;
    const ScoreEvaluation result =
        evaluate_scores(model, &weights, images, model->recipe(), 2, [](std::size_t) { return true; });
    CHECK(result.runs.images == 10);
    CHECK(result.measures.mean_absolute_error == Approx(absolute / numbers));
    CHECK(result.measures.root_mean_square_error == Approx(std::sqrt(squares / numbers)));
    CHECK(*result.measures.correlation == Approx(correlations / scores));
    REQUIRE(result.float_comparison);
    CHECK(result.float_comparison->measures.mean_absolute_error == Approx(float_absolute / numbers));
    CHECK(*result.float_comparison->measures.correlation == Approx(float_correlations / scores));
    CHECK(result.float_comparison->difference == Approx(difference / numbers));
    CHECK(result.float_comparison->cosine == Approx(cosines / 10));
  }
}

TEST_CASE("evaluate scores: numbers that are all the same have no correlation, a missing picture no part") {
  const auto model = test::quantized(model_of_scores(2));
  std::vector<ScoredImage> images;
  for (const test::PictureFile &file : test::picture_files(3, 32))
    images.push_back({file.path, {static_cast<double>(images.size()), 7}});
  images.push_back({test::temporary_file("missing.ppm"), {1e9, 8}});
  const ScoreEvaluation result =
      evaluate_scores(model, nullptr, images, model->recipe(), 1, [](std::size_t) { return true; });
  CHECK(result.runs.images == 3);
  CHECK(result.runs.errors.size() == 1);
  CHECK(result.measures.mean_absolute_error < 100);
  CHECK_FALSE(result.measures.correlation);
  CHECK_FALSE(result.float_comparison);
}

} // namespace
} // namespace intvit
