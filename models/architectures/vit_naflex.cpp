// timm's names of ViTs that resample their positions to any grid, of RADIO, and of those with other norms.
#include "models/architectures/vit_known.hpp"

#include <string>

namespace intvit::known {

namespace {

constexpr Size so150m2 = {"so150m2", 832, 21, 13, 2176};
constexpr Size so400m = {"so400m", 1152, 27, 16, 4304};
constexpr Size giant = {"giant", 1536, 40, 24};

// RADIO (arXiv 2312.06709): a class token for each teacher, of which the first is the feature; no last norm.
VitConfig radio(const std::string &prefix, Size size, int version) {
  VitConfig config = vit("vit", size, 16, 512);
  config.architecture = prefix + "_" + size.name + "_patch16_radio_v" + std::to_string(version);
  config.prefix_tokens = version == 3 ? 8 : 10;
  config.pool = Pool::raw_token;
  config.classes = 0;
  config.mean = clip_mean;
  config.std = clip_std;
  const bool aligned = version == 3 && (size.channels == base.channels || size.channels == huge.channels);
  config.resampling = aligned ? Resampling::aligned : Resampling::linear;
  config.square_positions = true;
  return config;
}

VitConfig naflex(Size size, const std::string &ending, int registers, Pool pool) {
  VitConfig config = vit("vit", size, 16, 384);
  config.architecture = std::string("naflexvit_") + size.name + "_patch16_" + ending;
  config.prefix_tokens = registers;
  config.pool = pool;
  config.pool_hidden = pool == Pool::attention ? config.mlp_hidden : 0;
  return config;
}

// SigLIP 2's (arXiv 2502.14786).
VitConfig naflex_siglip(Size size) {
  VitConfig config = naflex(size, "siglip", 0, Pool::attention);
  config.activation = Activation::gelu_tanh;
  config.resampling = Resampling::antialiased_linear;
  config.classes = 0;
  return config;
}

// BEiT-3 (arXiv 2208.10442): norms behind attention and inside MLPs.
VitConfig beit3(Size size, int patch, int image) {
  VitConfig config = vit("beit3", size, patch, image);
  config.layer_norm_eps = 1e-5;
  config.attention_norm = true;
  config.mlp.normed = true;
  config.class_token = true;
  config.pool = Pool::mean;
  config.crop_pct = 1.0;
  config.mean = imagenet_mean;
  config.std = imagenet_std;
  return config;
}

// AIMv2 (arXiv 2411.14402): RMSNorm, also of the projected patches, and gated MLPs.
VitConfig aimv2(Size size, int image) {
  VitConfig config = vit("aimv2", size, 14, image);
  config.layer_norm_eps = 1e-5;
  config.centred_norms = false;
  config.embed_norm = true;
  config.mlp.gated = true;
  config.activation = Activation::silu;
  config.prefix_tokens = 0;
  config.pool = Pool::normed_mean;
  config.classes = 0;
  config.crop_pct = 1.0;
  config.mean = clip_mean;
  config.std = clip_std;
  return config;
}

} // namespace

void append_other_norms(std::vector<VitConfig> &all) {
  for (const Size size : {base, large})
    all.push_back(beit3(size, 16, 224));
  for (const int image : {224, 336})
    all.push_back(beit3({"giant", 1408, 40, 16, 6144}, 14, image));
  for (const Size size : {Size{"large", 1024, 24, 8, 2816}, Size{"huge", 1536, 24, 12, 4096},
                          Size{"1b", 2048, 24, 16, 5632}, Size{"3b", 3072, 24, 24, 8192}})
    for (const int image : {224, 336, 448})
      all.push_back(aimv2(size, image));
  VitConfig test = vit("vit", {"test", 96, 9, 3, 288}, 16, 160); // timm's own, for tests
  test.architecture = "test_vit4";
  test.centred_norms = false;
  test.pool = Pool::mean;
  test.crop_pct = 0.95;
  all.push_back(test);
  // InternViT (arXiv 2312.14238).
  VitConfig intern = vit("vit", large, 14, 448);
  intern.architecture = "vit_intern300m_patch14_448";
  intern.pool = Pool::raw_token;
  intern.classes = 0;
  intern.mean = imagenet_mean;
  intern.std = imagenet_std;
  all.push_back(intern);
  VitConfig behind = vit("vit", base, 16, 224); // the branches
  behind.architecture = "vit_base_patch16_rpn_224";
  behind.post_norms = true;
  behind.prefix_tokens = 0;
  behind.pool = Pool::mean;
  all.push_back(behind);
}

void append_naflex(std::vector<VitConfig> &all) {
  for (const char *prefix : {"vit", "naflexvit"}) {
    for (const Size size : {base, large, huge, giant})
      all.push_back(radio(prefix, size, 3));
    for (const Size size : {so400m, huge})
      all.push_back(radio(prefix, size, 4));
  }
  all.push_back(naflex(base, "gap", 4, Pool::mean));
  for (const char *name : {"par_gap", "parfac_gap"}) {
    all.push_back(naflex(base, name, 4, Pool::mean));
    all.back().square_positions = true;
  }
  all.push_back(naflex_siglip(base));
  all.push_back(naflex_siglip(so400m));
  all.push_back(naflex(base, "map", 1, Pool::attention));
  all.push_back(naflex(so150m2, "reg1_gap", 1, Pool::mean));
  all.push_back(naflex(so150m2, "reg1_map", 1, Pool::attention));
}

} // namespace intvit::known
