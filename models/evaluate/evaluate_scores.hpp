// How far an integer model's scores are from those that images should have, beside the float model it came from.
#pragma once

#include <optional>

#include "models/evaluate/run_models.hpp"
#include "models/evaluate/score_table.hpp"

namespace intvit {

// Over all scores of all images.
struct ScoreMeasures {
  double mean_absolute_error = 0;
  double root_mean_square_error = 0;
  // Pearson's, of each score over the images, the mean over the scores; nothing where one has none, because the images'
  // numbers or the model's are all the same.
  std::optional<double> correlation;
};

struct ScoreComparison {
  ScoreMeasures measures; // of the float model
  double difference = 0;  // mean absolute difference of the two models
  double cosine = 0;      // mean cosine of an image's scores
};

struct ScoreEvaluation {
  ModelRuns runs;
  ScoreMeasures measures;
  std::optional<ScoreComparison> float_comparison;
};

// See run_models().
ScoreEvaluation evaluate_scores(const std::shared_ptr<const Model> &model, const FloatModel *float_model,
                                std::span<const ScoredImage> images, const Recipe &recipe, int threads,
                                const std::function<bool(std::size_t done)> &proceed);

} // namespace intvit
