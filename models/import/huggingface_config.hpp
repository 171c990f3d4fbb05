// config.json as Hugging Face's transformers writes it beside the weights.
#pragma once

#include <string>
#include <vector>

#include "models/architectures/float_model.hpp"

namespace intvit::importer {

// The model as the file describes it, and how its tensors are named.
struct HuggingFaceConfig {
  std::string model_type; // "vit", "deit", "swin", "dinov2" or "dinov2_with_registers"
  // "vit." where a head stands beside the model, else nothing: what the names of all tensors but the head's begin with.
  std::string prefix;
  ArchitectureConfig architecture; // but for mean, std and recipe, of which preprocessor_config.json tells
  int registers = 0;
  bool qkv_bias = true;
  std::vector<std::string> labels; // of id2label, or empty where these are the placeholders "LABEL_0", ...

  bool is_dinov2() const { return model_type.starts_with("dinov2"); }
};

// What the file leaves out has the default of its configuration class. Throws std::runtime_error, beginning with
// `path`: file unreadable or malformed; another model type or model class; an activation, a number of colours or
// another property that cannot be imported; an architecture that cannot be.
HuggingFaceConfig read_huggingface_config(const std::string &path);

} // namespace intvit::importer
