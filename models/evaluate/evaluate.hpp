// Accuracy of an integer model on labelled images, beside the float model it came from.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/runtime/model.hpp"
#include "models/architectures/float_model.hpp"
#include "models/evaluate/dataset.hpp"

namespace intvit {

struct FloatComparison {
  double top1 = 0; // of the float model, in percent
  double top5 = 0;
  double agreement = 0; // images for which both models give the same class, in percent
  double cosine = 0;    // mean cosine of the two logit vectors
};

struct Evaluation {
  std::size_t images = 0; // that could be read
  double top1 = 0;        // in percent
  double top5 = 0;
  double images_per_second = 0; // of inference alone: without decoding, preprocessing and the float model
  std::optional<FloatComparison> float_comparison;
  std::vector<std::string> errors; // a message for every image that could not be read
};

// The cosine of the angle between two vectors of equal length; 0 if one of them is zero.
double cosine(std::span<const double> a, std::span<const double> b);

// A class is among the top k when fewer than k others have a larger logit; of equal logits the lower index is first.
bool in_top(std::span<const double> logits, int label, int k);

// Runs every image on one of `threads` threads. `float_model` may be null. `proceed` is called with the number of
// images done, from any thread but never from two at once. If it returns false, no more images are begun, and the
// result is that of the images done.
Evaluation evaluate(const std::shared_ptr<const Model> &model, const FloatModel *float_model,
                    std::span<const LabelledImage> images, const Recipe &recipe, int threads,
                    const std::function<bool(std::size_t done)> &proceed);

} // namespace intvit
