// How well an integer model tells which labels hold for images, of which each may have several, beside the float model
// it came from.
#pragma once

#include <optional>

#include "models/evaluate/label_table.hpp"
#include "models/evaluate/run_models.hpp"

namespace intvit {

// All in percent; decisions are those of is_decided().
struct LabelMeasures {
  std::optional<double> mean_average_precision; // over the labels that occur; nothing where none does
  std::optional<double> f1;                     // micro; nothing where no label occurs or is decided to hold
  double right = 0;                             // share of all decisions, one for each image and label
};

struct LabelComparison {
  LabelMeasures measures; // of the float model
  double agreement = 0;   // share of the decisions that are the same, in percent
  double cosine = 0;      // mean cosine of the two logit vectors
};

struct LabelEvaluation {
  ModelRuns runs;
  int occurring = 0; // labels that at least one image has
  LabelMeasures measures;
  std::optional<LabelComparison> float_comparison;
};

// See run_models().
LabelEvaluation evaluate_labels(const std::shared_ptr<const Model> &model, const FloatModel *float_model,
                                std::span<const MultiLabelImage> images, const Recipe &recipe, int threads,
                                const std::function<bool(std::size_t done)> &proceed);

} // namespace intvit
