// A float model of any architecture.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "models/architectures/swin.hpp"
#include "models/architectures/vit.hpp"

namespace intvit {

using ArchitectureConfig = std::variant<VitConfig, SwinConfig>;
using FloatModel = std::variant<VitModel, SwinModel>;

// What all architectures have: the image, its preprocessing, the classes.
const ModelConfig &common_config(const ArchitectureConfig &config);
const ModelConfig &common_config(const FloatModel &model);

// One a class, or empty where the source names none.
const std::vector<std::string> &labels(const FloatModel &model);

// Logits, or features where there are no classes.
int outputs(const ArchitectureConfig &config);

// Whether the blocks' weights are STLQ words already, see LinearWeights::stlq_unit.
bool has_stlq_words(const FloatModel &model);

// Throws std::runtime_error that says what is impossible.
void validate(const ArchitectureConfig &config);
void validate(const FloatModel &model);

// A model with random weights, see randomize().
FloatModel random_float_model(const ArchitectureConfig &config, std::uint32_t seed);

} // namespace intvit
