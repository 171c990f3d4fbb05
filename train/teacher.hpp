// The float model that a fine-tuning learns from.
#pragma once

#include <string>
#include <vector>

#include "train/vit.hpp"

namespace intvit::train {

struct Teacher {
  Vit model;                       // its config tells preprocessing and classes, too
  std::vector<std::string> labels; // one a class, or empty where the source names none

  // What it says of a batch as Vit::forward() takes it: float32 [B, classes], rows sum to 1. No gradient is recorded.
  torch::Tensor probabilities(const torch::Tensor &images, Precision precision) const;
};

// Reads what `intvit quantize --weights` reads (models/import/load.hpp). Throws std::runtime_error, naming the path, as
// that does; also for a model that Vit cannot be.
Teacher load_teacher(const std::string &path);

// Copies the teacher's weights into others of the same shapes and order.
void copy_weights(const Teacher &teacher, const std::vector<StateTensor> &weights);

} // namespace intvit::train
