// timm's names of ViTs with relative position biases.
#include "models/architectures/vit_known.hpp"

#include <string>
#include <tuple>
#include <utility>

namespace intvit::known {

namespace {

VitConfig biased(const std::string &name, Size size, int patch, int image) {
  VitConfig config = vit("vit", size, patch, image);
  config.architecture = name;
  config.positions = false;
  config.position_bias = true;
  return config;
}

// BEiT (arXiv 2106.08254) and BEiT v2 (arXiv 2208.06366).
VitConfig beit(const std::string &name, Size size, int image) {
  VitConfig config = biased(name, size, 16, image);
  config.class_token = true;
  config.pool = Pool::mean;
  if (name.starts_with("beitv2")) {
    config.mean = imagenet_mean;
    config.std = imagenet_std;
  }
  return config;
}

VitConfig without_class_token(VitConfig config, Pool pool) {
  config.prefix_tokens = 0;
  config.pool = pool;
  return config;
}

} // namespace

void append_biased(std::vector<VitConfig> &all) {
  for (const int image : {224, 384})
    all.push_back(beit("beit_base_patch16_" + std::to_string(image), base, image));
  for (const int image : {224, 384, 512})
    all.push_back(beit("beit_large_patch16_" + std::to_string(image), large, image));
  all.push_back(beit("beitv2_base_patch16_224", base, 224));
  all.push_back(beit("beitv2_large_patch16_224", large, 224));
  all.back().crop_pct = 0.95;

  // Of timm itself. fc_norm follows the mean, or norm goes before it.
  all.push_back(without_class_token(biased("vit_relpos_base_patch16_plus_240", {"base", 896, 12, 14}, 16, 240),
                                    Pool::normed_mean));
  for (const Size size : {small, medium, base})
    all.push_back(without_class_token(biased(std::string("vit_relpos_") + size.name + "_patch16_224", size, 16, 224),
                                      Pool::mean));
  for (const Size size : {small, medium})
    all.push_back(without_class_token(biased(std::string("vit_srelpos_") + size.name + "_patch16_224", size, 16, 224),
                                      Pool::normed_mean));
  for (const Size size : {medium, base})
    all.push_back(biased(std::string("vit_relpos_") + size.name + "_patch16_cls_224", size, 16, 224));
  const auto add_post_normed = [&](VitConfig config) {
    config.post_norms = true;
    all.push_back(without_class_token(std::move(config), Pool::normed_mean));
  };
  add_post_normed(biased("vit_relpos_base_patch32_plus_rpn_256", {"base", 896, 12, 14}, 32, 256));
  for (const Size size : {small, medium, base})
    add_post_normed(biased(std::string("vit_relpos_") + size.name + "_patch16_rpn_224", size, 16, 224));
  all.push_back(biased("vit_relpos_base_patch16_clsgap_224", base, 16, 224));
  all.back().class_token = true;
  all.back().pool = Pool::mean;
  all.push_back(without_class_token(biased("test_vit_relpos", {"test", 96, 9, 3, 192}, 16, 160), Pool::mean));
  all.back().crop_pct = 0.95;
}

} // namespace intvit::known
