#include "models/architectures/registry.hpp"

#include <stdexcept>
#include <vector>

namespace intvit {

namespace {

struct Size {
  int channels;
  int depth;
  int heads;
};

constexpr Size tiny = {192, 12, 3};
constexpr Size small = {384, 12, 6};
constexpr Size base = {768, 12, 12};
constexpr Size large = {1024, 24, 16};

VitConfig make(std::string name, Size size, int patch, int image) {
  VitConfig config;
  config.architecture = std::move(name);
  config.image_height = image;
  config.image_width = image;
  config.patch = patch;
  config.channels = size.channels;
  config.depth = size.depth;
  config.heads = size.heads;
  config.mlp_hidden = 4 * size.channels;
  config.classes = 1000;
  if (image > 224)
    config.crop_pct = 1.0;
  return config;
}

// DeiT was trained on ImageNet's own mean and standard deviation.
VitConfig make_deit(std::string name, Size size, int image) {
  VitConfig config = make(std::move(name), size, 16, image);
  config.mean = {0.485, 0.456, 0.406};
  config.std = {0.229, 0.224, 0.225};
  return config;
}

} // namespace

std::span<const VitConfig> known_architectures() {
  static const std::vector<VitConfig> architectures = {
      make("vit_tiny_patch16_224", tiny, 16, 224),     make("vit_tiny_patch16_384", tiny, 16, 384),
      make("vit_small_patch32_224", small, 32, 224),   make("vit_small_patch32_384", small, 32, 384),
      make("vit_small_patch16_224", small, 16, 224),   make("vit_small_patch16_384", small, 16, 384),
      make("vit_base_patch32_224", base, 32, 224),     make("vit_base_patch32_384", base, 32, 384),
      make("vit_base_patch16_224", base, 16, 224),     make("vit_base_patch16_384", base, 16, 384),
      make("vit_base_patch8_224", base, 8, 224),       make("vit_large_patch32_224", large, 32, 224),
      make("vit_large_patch32_384", large, 32, 384),   make("vit_large_patch16_224", large, 16, 224),
      make("vit_large_patch16_384", large, 16, 384),   make_deit("deit_tiny_patch16_224", tiny, 224),
      make_deit("deit_small_patch16_224", small, 224), make_deit("deit_base_patch16_224", base, 224),
      make_deit("deit_base_patch16_384", base, 384),
  };
  return architectures;
}

std::optional<VitConfig> find_architecture(std::string_view name) {
  const std::string_view without_tag = name.substr(0, name.find('.'));
  for (const VitConfig &config : known_architectures())
    if (config.architecture == without_tag)
      return config;
  return std::nullopt;
}

VitConfig architecture(std::string_view name) {
  if (const std::optional<VitConfig> config = find_architecture(name))
    return *config;
  std::string message = "unknown architecture \"" + std::string(name) + "\"; known are:";
  for (const VitConfig &config : known_architectures())
    message += " " + config.architecture;
  throw std::runtime_error(message);
}

} // namespace intvit
