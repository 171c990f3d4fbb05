// Post-training quantization of a float model to an integer-only model (FQ-ViT, arXiv 2111.13824, with the departures
// that docs/quantization.md lists).
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "engine/image/image.hpp"
#include "engine/image/recipe.hpp"
#include "models/architectures/float_model.hpp"
#include "models/quantize/options.hpp"
#include "models/quantize/report.hpp"

namespace intvit {

struct QuantizeInput {
  const FloatModel &model;
  std::span<const Image> calibration; // already of the model's input size; at least one
  Recipe recipe;                      // how photographs become such images
  std::vector<std::string> labels;    // empty, or one a class
  std::map<std::string, std::string> provenance;
  ReportLayer report = {}; // called for each layer in the order of execution; may be empty
};

// Called before each of `total` steps.
using Progress = std::function<void(int step, int total)>;

// The bytes of a model file. The same input gives the same bytes whatever the machine and number of threads. Throws
// std::runtime_error where the model cannot be expressed in integers or the input does not fit.
std::vector<std::byte> quantize(const QuantizeInput &input, const QuantizeOptions &options,
                                const Progress &progress = {});

} // namespace intvit
