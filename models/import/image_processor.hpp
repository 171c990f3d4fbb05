// preprocessor_config.json, in which Hugging Face's transformers says how a picture becomes a model's input.
#pragma once

#include <array>
#include <string>

#include "engine/image/recipe.hpp"

namespace intvit::importer {

struct ImageProcessor {
  Recipe recipe;
  // The input is (pixel / 255 - mean) / std: "do_rescale", "rescale_factor" and "do_normalize" are folded in.
  std::array<double, 3> mean = {}; // R, G, B
  std::array<double, 3> std = {};
};

// Reads what ViTImageProcessor, DeiTImageProcessor, BitImageProcessor, CLIPImageProcessor, SiglipImageProcessor and
// others and the Fast forms and FeatureExtractors of these write; what the file leaves out has the default of its
// processor, which is that of `model_type` where the file names none. Throws std::runtime_error, beginning with `path`:
// file unreadable or malformed, another processor, or a setting that a recipe cannot follow exactly.
ImageProcessor read_image_processor(const std::string &path, const std::string &model_type);

} // namespace intvit::importer
