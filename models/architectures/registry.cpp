#include "models/architectures/registry.hpp"

#include <stdexcept>
#include <vector>

namespace intvit {

namespace {

struct Size {
  const char *name;
  int channels;
  int depth;
  int heads;
};

constexpr Size tiny = {"tiny", 192, 12, 3};
constexpr Size small = {"small", 384, 12, 6};
constexpr Size medium = {"medium", 512, 12, 8};
constexpr Size base = {"base", 768, 12, 12};
constexpr Size large = {"large", 1024, 24, 16};
constexpr Size huge = {"huge", 1280, 32, 16};

void use_imagenet_statistics(ModelConfig &config) {
  config.mean = imagenet_mean;
  config.std = imagenet_std;
}

// `prefix`_SIZE_patchP_IMAGE.
VitConfig vit(const std::string &prefix, Size size, int patch, int image) {
  VitConfig config;
  config.architecture = prefix + "_" + size.name + "_patch" + std::to_string(patch) + "_" + std::to_string(image);
  config.image_height = image;
  config.image_width = image;
  config.patch = patch;
  config.channels = size.channels;
  config.depth = size.depth;
  config.heads = size.heads;
  config.mlp_hidden = 4 * size.channels;
  config.classes = 1000;
  if (image > 256)
    config.crop_pct = 1.0;
  return config;
}

// Heads that read the mean of the patches.
VitConfig mean_pool(Size size, const std::string &name, int image, int registers, double crop_pct) {
  VitConfig config = vit("vit", size, 16, image);
  config.architecture = name;
  config.prefix_tokens = registers;
  // timm's models with registers normalize the mean, those without take the mean of normalized patches.
  config.pool = registers > 0 ? VitPool::mean : VitPool::normed_mean;
  config.crop_pct = crop_pct;
  return config;
}

// DeiT and DeiT III.
VitConfig deit(const std::string &prefix, Size size, int patch, int image) {
  VitConfig config = vit(prefix, size, patch, image);
  use_imagenet_statistics(config);
  return config;
}

VitConfig distilled(Size size, int image) {
  VitConfig config = deit("deit", size, 16, image);
  config.architecture.insert(config.architecture.find("_patch"), "_distilled");
  config.prefix_tokens = 2;
  config.pool = VitPool::token_pair;
  return config;
}

VitConfig dinov2(Size size, int registers) {
  VitConfig config = deit("vit", size, 14, 518);
  config.architecture = std::string("vit_") + size.name + "_patch14" +
                        (registers > 0 ? "_reg" + std::to_string(registers) : "") + "_dinov2";
  config.prefix_tokens = 1 + registers;
  config.classes = 0;
  return config;
}

SwinConfig swin(const char *name, int channels, int third_depth, int first_heads, int window, int image) {
  SwinConfig config;
  config.architecture =
      std::string("swin_") + name + "_patch4_window" + std::to_string(window) + "_" + std::to_string(image);
  config.image_height = image;
  config.image_width = image;
  config.channels = channels;
  config.depths = {2, 2, third_depth, 2};
  config.heads = {first_heads, 2 * first_heads, 4 * first_heads, 8 * first_heads};
  config.window = window;
  config.classes = 1000;
  use_imagenet_statistics(config);
  if (image > 256)
    config.crop_pct = 1.0;
  return config;
}

std::vector<ArchitectureConfig> make_architectures() {
  std::vector<ArchitectureConfig> all;
  for (const auto &[size, patch] : {std::pair{tiny, 16}, {small, 32}, {small, 16}, {base, 32}, {base, 16}})
    for (const int image : {224, 384})
      all.emplace_back(vit("vit", size, patch, image));
  all.emplace_back(vit("vit", base, 8, 224));
  VitConfig without_head = vit("vit", large, 32, 224); // as timm has it, trained on ImageNet-21k
  without_head.classes = 0;
  all.emplace_back(without_head);
  all.emplace_back(vit("vit", large, 32, 384));
  for (const int image : {224, 384})
    all.emplace_back(vit("vit", large, 16, image));
  all.emplace_back(vit("vit", large, 14, 224));
  // Sixteen heads, not the twelve of other base models.
  all.emplace_back(mean_pool({"base", 768, 12, 16}, "vit_base_patch16_gap_224", 224, 0, 0.9));
  all.emplace_back(mean_pool(medium, "vit_medium_patch16_gap_256", 256, 0, 0.95));
  all.emplace_back(mean_pool(medium, "vit_medium_patch16_gap_384", 384, 0, 0.95));
  all.emplace_back(mean_pool(medium, "vit_medium_patch16_reg4_gap_256", 256, 4, 0.95));
  all.emplace_back(mean_pool(base, "vit_base_patch16_reg4_gap_256", 256, 4, 0.9));

  for (const Size size : {tiny, small, base})
    all.emplace_back(deit("deit", size, 16, 224));
  all.emplace_back(deit("deit", base, 16, 384));
  for (const Size size : {tiny, small, base})
    all.emplace_back(distilled(size, 224));
  all.emplace_back(distilled(base, 384));
  for (const Size size : {small, medium, base, large})
    all.emplace_back(deit("deit3", size, 16, 224));
  for (const Size size : {small, base, large})
    all.emplace_back(deit("deit3", size, 16, 384));
  all.emplace_back(deit("deit3", huge, 14, 224));

  for (const int registers : {0, 4})
    for (const Size size : {small, base, large})
      all.emplace_back(dinov2(size, registers));

  all.emplace_back(swin("tiny", 96, 6, 3, 7, 224));
  all.emplace_back(swin("small", 96, 18, 3, 7, 224));
  all.emplace_back(swin("base", 128, 18, 4, 7, 224));
  all.emplace_back(swin("base", 128, 18, 4, 12, 384));
  all.emplace_back(swin("large", 192, 18, 6, 7, 224));
  all.emplace_back(swin("large", 192, 18, 6, 12, 384));
  return all;
}

} // namespace

std::span<const ArchitectureConfig> known_architectures() {
  static const std::vector<ArchitectureConfig> architectures = make_architectures();
  return architectures;
}

std::optional<ArchitectureConfig> find_architecture(std::string_view name) {
  const std::string_view without_tag = name.substr(0, name.find('.'));
  for (const ArchitectureConfig &config : known_architectures())
    if (common_config(config).architecture == without_tag)
      return config;
  return std::nullopt;
}

ArchitectureConfig architecture(std::string_view name) {
  if (std::optional<ArchitectureConfig> config = find_architecture(name))
    return *std::move(config);
  std::string message = "unknown architecture \"" + std::string(name) + "\"; known are:";
  for (const ArchitectureConfig &config : known_architectures())
    message += " " + common_config(config).architecture;
  throw std::runtime_error(message);
}

} // namespace intvit
