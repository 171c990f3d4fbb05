// A model of labels evaluated: against counting by hand, with a picture that is missing, in threads.
#include "models/evaluate/evaluate_labels.hpp"

#include <cmath>

#include <catch2/catch.hpp>

#include "models/evaluate/measures.hpp"
#include "models/reference/forward.hpp"
#include "tests/models/evaluate/picture_files.hpp"
#include "tests/models/inspect/models.hpp"
#include "tests/support/data.hpp"

namespace intvit {
namespace {

constexpr int labels = 5;

FloatModel model_of_labels() {
  FloatModel model = test::small_vit();
  std::get<VitModel>(model).config.head = ResultKind::labels;
  return model;
}

// What is counted of one model, by logits of all images.
struct Counted {
  double precisions = 0;
  double true_yes = 0;
  double yes = 0; // decided or true, both counted
  double right = 0;
  double decisions = 0;
};

template <typename T>
Counted counted(const std::vector<std::vector<T>> &logits, const std::vector<MultiLabelImage> &images) {
  Counted result;
  for (int label = 0; label < labels; ++label) {
    std::vector<double> column;
    std::vector<bool> holds;
    for (std::size_t i = 0; i < images.size(); ++i) {
      column.push_back(static_cast<double>(logits[i][static_cast<std::size_t>(label)]));
      holds.push_back(std::find(images[i].labels.begin(), images[i].labels.end(), label) != images[i].labels.end());
      const bool decided = 1 / (1 + std::exp(-column.back())) >= 0.5;
      result.true_yes += decided && holds.back() ? 1 : 0;
      result.yes += (decided ? 1 : 0) + (holds.back() ? 1 : 0);
      result.right += decided == holds.back() ? 1 : 0;
      result.decisions += 1;
    }
    result.precisions += average_precision(column, holds).value_or(0);
  }
  return result;
}

void check(const LabelMeasures &found, const Counted &expected, int occurring) {
  CHECK(*found.mean_average_precision == Approx(100 * expected.precisions / occurring));
  CHECK(*found.f1 == Approx(100 * 2 * expected.true_yes / expected.yes));
  CHECK(found.right == Approx(100 * expected.right / expected.decisions));
}

TEST_CASE("evaluate labels: figures are those counted by hand") {
  const FloatModel weights = model_of_labels();
  const auto model =
      test::quantized(weights, {.weight_levels = WeightLevels::int4}); // few bits, so that something differs
  REQUIRE(model->result_kind() == ResultKind::labels);
  std::vector<MultiLabelImage> images;
  std::vector<std::vector<std::int32_t>> integers;
  std::vector<std::vector<float>> floats;
  double alike = 0;
  double cosines = 0;
  for (const test::PictureFile &file : test::picture_files(24, 32)) {
    const std::size_t i = images.size();
    images.push_back({file.path, i % 3 == 0   ? std::vector<int>{}
                                 : i % 3 == 1 ? std::vector<int>{static_cast<int>(i % 4)} // the last occurs nowhere
                                              : std::vector<int>{0, 2}});
    integers.push_back(test::logits_of(model, file.pixels));
    floats.push_back(reference::forward(weights, file.pixels));
    const std::vector<double> a(integers.back().begin(), integers.back().end());
    const std::vector<double> b(floats.back().begin(), floats.back().end());
    for (std::size_t label = 0; label < labels; ++label)
      alike += (a[label] < 0) == (b[label] < 0) ? 1 : 0;
    cosines += cosine(a, b);
  }
  for (const int threads : {1, 2}) {
    const LabelEvaluation result =
        evaluate_labels(model, &weights, images, model->recipe(), threads, [](std::size_t) { return true; });
    CHECK(result.runs.images == 24);
    CHECK(result.runs.errors.empty());
    CHECK(result.occurring == 4);
    check(result.measures, counted(integers, images), 4);
    REQUIRE(result.float_comparison);
    check(result.float_comparison->measures, counted(floats, images), 4);
    CHECK(result.float_comparison->agreement == Approx(100 * alike / (24 * labels)));
    CHECK(result.float_comparison->agreement < 100);
    CHECK(result.float_comparison->cosine == Approx(cosines / 24));
  }
}

TEST_CASE("evaluate labels: pictures that cannot be read and labels that do not occur are left out") {
  const auto model = test::quantized(model_of_labels());
  std::vector<MultiLabelImage> images;
  for (const test::PictureFile &file : test::picture_files(3, 32))
    images.push_back({file.path, {}});
  images.push_back({test::temporary_file("missing.ppm"), {1}});
  const LabelEvaluation result =
      evaluate_labels(model, nullptr, images, model->recipe(), 1, [](std::size_t) { return true; });
  CHECK(result.runs.images == 3);
  CHECK(result.runs.errors.size() == 1);
  CHECK(result.occurring == 0);
  CHECK_FALSE(result.measures.mean_average_precision);
  CHECK_FALSE(result.float_comparison);
  const LabelEvaluation stopped =
      evaluate_labels(model, nullptr, images, model->recipe(), 1, [](std::size_t done) { return done < 2; });
  CHECK(stopped.runs.images == 2);
}

} // namespace
} // namespace intvit
