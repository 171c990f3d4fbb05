#include "models/evaluate/evaluate_scores.hpp"

#include <algorithm>
#include <cmath>

#include "models/evaluate/measures.hpp"

namespace intvit {

namespace {

// Numbers of all images that could be read, image by image.
struct Scores {
  std::vector<double> all;
  std::size_t an_image = 0;

  void add(const std::vector<double> &image) { all.insert(all.end(), image.begin(), image.end()); }
  std::size_t images() const { return all.size() / an_image; }
  std::span<const double> image(std::size_t i) const { return std::span(all).subspan(i * an_image, an_image); }
  std::vector<double> of_all_images(std::size_t score) const {
    std::vector<double> column;
    for (std::size_t i = score; i < all.size(); i += an_image)
      column.push_back(all[i]);
    return column;
  }
};

std::optional<double> mean_correlation(const Scores &expected, const Scores &found) {
  double sum = 0;
  for (std::size_t score = 0; score < expected.an_image; ++score) {
    const std::optional<double> one = correlation(expected.of_all_images(score), found.of_all_images(score));
    if (!one)
      return std::nullopt;
    sum += *one;
  }
  return sum / static_cast<double>(expected.an_image);
}

ScoreMeasures score_measures_of(const Scores &expected, const Scores &found) {
  return {mean_absolute_error(expected.all, found.all), root_mean_square_error(expected.all, found.all),
          mean_correlation(expected, found)};
}

} // namespace

ScoreEvaluation evaluate_scores(const std::shared_ptr<const Model> &model, const FloatModel *float_model,
                                std::span<const ScoredImage> images, const Recipe &recipe, int threads,
                                const std::function<bool(std::size_t)> &proceed) {
  std::vector<std::vector<double>> integers(images.size());
  std::vector<std::vector<double>> floats(images.size());
  ScoreEvaluation result;
  result.runs = run_models(
      model, float_model, paths_of(images), recipe, threads,
      [&](const ImageOutputs &outputs) {
        for (const std::int32_t value : outputs.integers)
          integers[outputs.image].push_back(std::ldexp(value, -model->logit_fraction_bits()));
        floats[outputs.image].assign(outputs.floats.begin(), outputs.floats.end());
      },
      proceed);
  const auto width = static_cast<std::size_t>(model->classes());
  Scores expected{{}, width};
  Scores found{{}, width};
  Scores reference{{}, width};
  for (std::size_t i = 0; i < images.size(); ++i)
    if (!integers[i].empty()) {
      expected.add(images[i].scores);
      found.add(integers[i]);
      reference.add(floats[i]);
    }
  result.measures = score_measures_of(expected, found);
  if (float_model == nullptr)
    return result;
  ScoreComparison comparison;
  comparison.measures = score_measures_of(expected, reference);
  comparison.difference = mean_absolute_error(reference.all, found.all);
  for (std::size_t i = 0; i < found.images(); ++i)
    comparison.cosine += cosine(found.image(i), reference.image(i)) / static_cast<double>(found.images());
  result.float_comparison = comparison;
  return result;
}

} // namespace intvit
