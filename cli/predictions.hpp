// What a model's outputs say of an image, for people.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/runtime/model.hpp"

namespace intvit::cli {

// A class or a label.
struct Prediction {
  int index = 0;
  std::int32_t logit = 0;
  double probability = 0;
};

// The `count` most likely of a model's classes or labels, as top_classes() orders them. Probabilities of classes are
// the softmax over all of them; a label has one of its own. Both are those of intvit_top_k().
std::vector<Prediction> top_predictions(const Model &model, std::span<const std::int32_t> logits, int count);

// The outputs of a model that gives scores, as numbers.
std::vector<double> real_scores(const Model &model, std::span<const std::int32_t> logits);

// What an output is called: by the model's labels, or else "class 3", "label 3", "score 3".
std::string output_name(ResultKind kind, const std::vector<std::string> &labels, int index);

} // namespace intvit::cli
