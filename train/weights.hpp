// Float weights in files: safetensors with timm's names, and timm's config.json beside them.
#pragma once

#include <string>
#include <vector>

#include "engine/container/safetensors.hpp"
#include "train/vit.hpp"

namespace intvit::train {

// Adds a float32 tensor under `prefix` + its name. Throws std::runtime_error where the name is taken.
void add_tensor(SafetensorsWriter &writer, const std::string &prefix, const StateTensor &tensor);

// Copies the float32 tensor `prefix` + name of the file into `tensor`. Throws std::runtime_error, naming `path`, where
// it is missing or of another type or shape.
void copy_tensor(const SafetensorsFile &file, const std::string &path, const std::string &prefix,
                 const StateTensor &tensor);

// Writes model.safetensors and config.json into a folder, each under a temporary name first. `labels`: one a class, or
// none. Throws std::runtime_error.
void write_model(const std::string &folder, const VitConfig &config, const std::vector<StateTensor> &weights,
                 const std::vector<std::string> &labels);

// Copies a file's weights into a model's, but for a head with another number of classes, which stays as it is. Throws
// std::runtime_error, naming the file, where it does not fit.
void read_weights(const std::string &path, const VitConfig &config, const std::vector<StateTensor> &weights);

// Opens a safetensors file; throws std::runtime_error with the reason where that fails.
SafetensorsFile open_safetensors(const std::string &path);

// Throws std::runtime_error where a status is an error.
void check(const Status &status);

} // namespace intvit::train
