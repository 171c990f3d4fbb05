#include "models/architectures/float_model.hpp"

namespace intvit {

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

bool has_stlq_words(const FloatModel &model) {
  const auto *vit = std::get_if<VitModel>(&model);
  return vit != nullptr && !vit->weights.blocks.empty() && vit->weights.blocks.front().qkv.stlq_unit.size() != 0;
}

void validate(const ArchitectureConfig &config) {
  std::visit([](const auto &c) { validate(c); }, config);
}

void validate(const FloatModel &model) {
  std::visit([](const auto &m) { validate(m.config); }, model);
}

FloatModel random_float_model(const ArchitectureConfig &config, std::uint32_t seed) {
  struct Random {
    std::uint32_t seed;
    FloatModel operator()(const VitConfig &c) const { return random_vit(c, seed); }
    FloatModel operator()(const SwinConfig &c) const { return random_swin(c, seed); }
  };
  return std::visit(Random{seed}, config);
}

} // namespace intvit
