// How well a model's features tell pictures apart, beside those of the float model it came from: what is asked of
// features is that alike pictures lie near one another.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "models/evaluate/run_models.hpp"

namespace intvit {

struct GroupedImage {
  std::string path;
  std::string group; // of pictures that are alike; all of one group where nothing tells
};

struct FeatureComparison {
  std::optional<double> nearest; // of the float model
  double cosine = 0;             // of an image's features in the two models, the mean
  double neighbours = 0;         // images of which both find the same other one nearest, in percent, as `nearest`
};

struct FeatureEvaluation {
  ModelRuns runs;
  // Of the first max_neighbours images, those of which the nearest other one, by the cosine, is of the same group, in
  // percent; nothing where there is one group alone, fewer than fewest_neighbours images, or no time.
  std::optional<double> nearest;
  std::optional<FeatureComparison> float_comparison; // likewise
};

// See run_models(). `proceed` is also asked while neighbours are looked for, with the number of all images.
FeatureEvaluation evaluate_features(const std::shared_ptr<const Model> &model, const FloatModel *float_model,
                                    std::span<const GroupedImage> images, const Recipe &recipe, int threads,
                                    const std::function<bool(std::size_t done)> &proceed);

} // namespace intvit
