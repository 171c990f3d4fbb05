#include "models/evaluate/evaluate.hpp"

#include <algorithm>

#include "engine/runtime/ranking.hpp"
#include "models/evaluate/measures.hpp"

namespace intvit {

namespace {

std::ptrdiff_t best(std::span<const double> logits) {
  return std::max_element(logits.begin(), logits.end()) - logits.begin();
}

// What one image contributes; nothing where it could not be read, or was not begun.
struct Outcome {
  bool top1 = false;
  bool top5 = false;
  bool float_top1 = false;
  bool float_top5 = false;
  bool agrees = false;
  double cosine = 0;
};

Outcome outcome_of(const ImageOutputs &outputs, int label) {
  Outcome outcome;
  const std::vector<int> top = top_classes(outputs.integers, 5);
  outcome.top1 = top.front() == label;
  outcome.top5 = std::find(top.begin(), top.end(), label) != top.end();
  if (!outputs.floats.empty()) {
    const std::vector<double> expected(outputs.floats.begin(), outputs.floats.end());
    outcome.float_top1 = in_top(expected, label, 1);
    outcome.float_top5 = in_top(expected, label, 5);
    outcome.agrees = best(expected) == top.front();
    outcome.cosine = cosine(expected, std::vector<double>(outputs.integers.begin(), outputs.integers.end()));
  }
  return outcome;
}

} // namespace

Evaluation evaluate(const std::shared_ptr<const Model> &model, const FloatModel *float_model,
                    std::span<const LabelledImage> images, const Recipe &recipe, int threads,
                    const std::function<bool(std::size_t)> &proceed) {
  std::vector<Outcome> outcomes(images.size());
  Evaluation result;
  result.runs = run_models(
      model, float_model, paths_of(images), recipe, threads,
      [&](const ImageOutputs &outputs) { outcomes[outputs.image] = outcome_of(outputs, images[outputs.image].label); },
      proceed);
  FloatComparison comparison;
  for (const Outcome &outcome : outcomes) {
    result.top1 += outcome.top1;
    result.top5 += outcome.top5;
    comparison.top1 += outcome.float_top1;
    comparison.top5 += outcome.float_top5;
    comparison.agreement += outcome.agrees;
    comparison.cosine += outcome.cosine;
  }
  const double count = static_cast<double>(std::max<std::size_t>(result.runs.images, 1));
  for (double *share : {&result.top1, &result.top5, &comparison.top1, &comparison.top5, &comparison.agreement})
    *share = *share * 100 / count; // in this order 100 % is exact
  comparison.cosine /= count;
  if (float_model != nullptr)
    result.float_comparison = comparison;
  return result;
}

} // namespace intvit
