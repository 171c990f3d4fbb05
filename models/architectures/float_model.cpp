#include "models/architectures/float_model.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <type_traits>

#include "models/architectures/stlq_words.hpp"

namespace intvit {

Network network(const ArchitectureConfig &config) {
  return std::visit([](const auto &c) { return network(c); }, config);
}

Network network(const FloatModel &model) {
  return std::visit([](const auto &m) { return network(m.config, &m.weights); }, model);
}

const ModelConfig &common_config(const ArchitectureConfig &config) {
  return std::visit([](const auto &c) -> const ModelConfig & { return c; }, config);
}

const ModelConfig &common_config(const FloatModel &model) {
  return std::visit([](const auto &m) -> const ModelConfig & { return m.config; }, model);
}

const std::vector<std::string> &labels(const FloatModel &model) {
  return std::visit([](const auto &m) -> const std::vector<std::string> & { return m.labels; }, model);
}

int outputs(const ArchitectureConfig &config) {
  return std::visit([](const auto &c) { return c.outputs(); }, config);
}

int outputs(const FloatModel &model) {
  return std::visit([](const auto &m) { return m.config.outputs(); }, model);
}

bool has_stlq_words(const FloatModel &model) {
  const std::vector<BodyPart> body = network(model).body;
  return std::any_of(body.begin(), body.end(), [](const BodyPart &part) {
    const auto *block = std::get_if<BlockPart>(&part);
    return block != nullptr && stlq::has_words(block->weights->qkv);
  });
}

void validate(const ArchitectureConfig &config) {
  std::visit([](const auto &c) { validate(c); }, config);
}

void validate(const FloatModel &model) {
  std::visit(
      [](const auto &m) {
        validate(m.config);
        auto &weights = const_cast<std::remove_cvref_t<decltype(m.weights)> &>(m.weights); // which is only read
        for (const NamedTensor &tensor : named_tensors(m.config, weights))
          for (std::int64_t i = 0; i < tensor.elements(); ++i)
            if (!(std::abs(tensor.data[i]) <= largest_value))
              throw std::runtime_error("tensor " + tensor.name + ": element " + std::to_string(i) +
                                       " is no number or beyond 1e15");
      },
      model);
}

void set_image_size(FloatModel &model, int height, int width, Resampling resampling) {
  std::visit([&](auto &m) { set_image_size(m, height, width, resampling); }, model);
}

FloatModel random_float_model(const ArchitectureConfig &config, std::uint32_t seed) {
  return std::visit([&](const auto &c) -> FloatModel { return random_weights(c, seed); }, config);
}

} // namespace intvit
