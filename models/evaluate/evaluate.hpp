// Accuracy of an integer classifier on labelled images, beside the float model it came from.
#pragma once

#include <optional>

#include "models/evaluate/dataset.hpp"
#include "models/evaluate/run_models.hpp"

namespace intvit {

struct FloatComparison {
  double top1 = 0; // of the float model, in percent
  double top5 = 0;
  double agreement = 0; // images for which both models give the same class, in percent
  double cosine = 0;    // mean cosine of the two logit vectors
};

struct Evaluation {
  ModelRuns runs;
  double top1 = 0; // in percent
  double top5 = 0;
  std::optional<FloatComparison> float_comparison;
};

// See run_models().
Evaluation evaluate(const std::shared_ptr<const Model> &model, const FloatModel *float_model,
                    std::span<const LabelledImage> images, const Recipe &recipe, int threads,
                    const std::function<bool(std::size_t done)> &proceed);

} // namespace intvit
