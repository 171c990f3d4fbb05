// A float model of any architecture.
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "models/architectures/swin.hpp"
#include "models/architectures/vit.hpp"

namespace intvit {

// The architectures. This is the one list of them: what else differs between them is a function with an overload for
// each, or a function object of several (Overloaded), and does not compile where one is missing.
using FloatModel = std::variant<VitModel, SwinModel>;

template <class... Models> std::variant<typename Models::Config...> configs_of(const std::variant<Models...> &);
using ArchitectureConfig = decltype(configs_of(std::declval<FloatModel>()));

// The parts of which a model consists; of a configuration alone, without weights.
Network network(const ArchitectureConfig &config);
Network network(const FloatModel &model); // borrows the weights
Network network(FloatModel &&) = delete;

// What all architectures have: the image, its preprocessing, the classes.
const ModelConfig &common_config(const ArchitectureConfig &config);
const ModelConfig &common_config(const FloatModel &model);

// One a class, or empty where the source names none.
const std::vector<std::string> &labels(const FloatModel &model);

// Logits, or features where there are no classes.
int outputs(const ArchitectureConfig &config);
int outputs(const FloatModel &model);

// Whether the blocks' weights are STLQ words already, see LinearWeights::stlq_unit.
bool has_stlq_words(const FloatModel &model);

// Throws std::runtime_error that says what is impossible: of a model also a weight that is NaN or beyond largest_value.
void validate(const ArchitectureConfig &config);
void validate(const FloatModel &model);

// Lets the model take images of that size, in pixels; `resampling` is how position embeddings are resampled. Throws
// std::runtime_error where the size is not possible.
void set_image_size(FloatModel &model, int height, int width, Resampling resampling = Resampling::antialiased);

// See random_weights().
FloatModel random_float_model(const ArchitectureConfig &config, std::uint32_t seed);

} // namespace intvit
