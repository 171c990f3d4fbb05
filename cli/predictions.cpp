#include "cli/predictions.hpp"

#include <cmath>

#include "engine/runtime/probability.hpp"
#include "engine/runtime/ranking.hpp"

namespace intvit::cli {

std::vector<Prediction> top_predictions(const Model &model, std::span<const std::int32_t> logits, int count) {
  const Probabilities probabilities(logits, model.logit_fraction_bits(), model.result_kind());
  std::vector<Prediction> predictions;
  for (const int index : top_classes(logits, static_cast<std::size_t>(count))) {
    const std::int32_t logit = logits[static_cast<std::size_t>(index)];
    predictions.push_back({index, logit, probabilities.millionths(logit) / 1e6});
  }
  return predictions;
}

std::vector<double> real_scores(const Model &model, std::span<const std::int32_t> logits) {
  std::vector<double> scores;
  scores.reserve(logits.size());
  for (const std::int32_t logit : logits)
    scores.push_back(std::ldexp(logit, -model.logit_fraction_bits()));
  return scores;
}

std::string output_name(ResultKind kind, const std::vector<std::string> &labels, int index) {
  if (static_cast<std::size_t>(index) < labels.size())
    return labels[static_cast<std::size_t>(index)];
  const char *word = kind == ResultKind::labels ? "label " : kind == ResultKind::scores ? "score " : "class ";
  return word + std::to_string(index);
}

} // namespace intvit::cli
