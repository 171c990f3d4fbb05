// timm's names of ViTs with rotary positions, and of others of its Eva.
#include "models/architectures/vit_known.hpp"

#include <string>
#include <tuple>

namespace intvit::known {

namespace {

constexpr Rope dinov3_rope = {.grid = Rope::Grid::centred, .temperature = 100};

VitConfig named(const std::string &name, Size size, int patch, int image) {
  VitConfig config = vit("vit", size, patch, image);
  config.architecture = name;
  config.pools_prefix = true; // as timm's Eva does
  return config;
}

// Features: the mean of the normalized patches, or the class token.
VitConfig dinov3(const std::string &name, Size size, int image, Pool pool) {
  VitConfig config = named(name, size, 16, image);
  config.layer_norm_eps = 1e-5;
  config.prefix_tokens = 5;
  config.pool = pool;
  config.class_token = true;
  config.classes = 0;
  config.positions = false;
  config.rope = dinov3_rope;
  config.crop_pct = 1.0;
  config.mean = imagenet_mean;
  config.std = imagenet_std;
  return config;
}

void append_rope_vits(std::vector<VitConfig> &all) { // arXiv 2403.13298
  for (const Size size : {small, base, large})
    for (const bool learned : {false, true})
      for (const bool positions : {false, true}) {
        VitConfig config = named(std::string("vit_") + size.name + "_patch16_rope_" + (learned ? "mixed_" : "") +
                                     (positions ? "ape_" : "") + "224",
                                 size, 16, 224);
        config.positions = positions;
        config.rope = {.grid = learned ? Rope::Grid::learned : Rope::Grid::index,
                       .temperature = learned ? 10.0 : 100.0,
                       .columns_first = true};
        config.mean = imagenet_mean;
        config.std = imagenet_std;
        all.push_back(config);
      }
  for (const auto &[size, registers] : {std::tuple(medium, 1), std::tuple(Size{"mediumd", 512, 20, 8}, 1),
                                        std::tuple(Size{"betwixt", 640, 12, 10}, 4), std::tuple(base, 1)}) {
    VitConfig config = named(
        std::string("vit_") + size.name + "_patch16_rope_reg" + std::to_string(registers) + "_gap_256", size, 16, 256);
    config.prefix_tokens = registers;
    config.pool = Pool::mean;
    config.positions = false;
    config.rope = {.grid = Rope::Grid::index, .temperature = 10000, .reference = 16};
    config.crop_pct = 0.95;
    if (registers == 4) { // trained with CLIP's pixels
      config.mean = clip_mean;
      config.std = clip_std;
    }
    all.push_back(config);
  }
}

// Perception encoders (arXiv 2504.13181).
void append_pe_core(std::vector<VitConfig> &all) {
  for (const auto &[size, patch, image, features] :
       {std::tuple(tiny, 16, 384, 512), std::tuple(small, 16, 384, 512), std::tuple(base, 16, 224, 1024),
        std::tuple(large, 14, 336, 1024), std::tuple(Size{"gigantic", 1536, 50, 16, 8960}, 14, 448, 1280)}) {
    VitConfig config =
        named(std::string("vit_pe_core_") + size.name + "_patch" + std::to_string(patch) + "_" + std::to_string(image),
              size, patch, image);
    const bool class_token = image != 448;
    config.layer_norm_eps = 1e-5;
    config.prefix_tokens = class_token ? 1 : 0;
    config.pre_norm = true;
    config.pool = Pool::attention;
    config.class_token = class_token;
    config.pool_hidden = 4 * size.channels;
    config.pool_heads = 8;
    config.projection = features;
    config.classes = 0;
    config.rope = {.grid = Rope::Grid::index,
                   .temperature = 10000,
                   .columns_first = true,
                   .offset = class_token ? 1.0 : 0.0,
                   .reference = image / patch};
    config.crop_pct = 1.0;
    all.push_back(config);
  }
}

// EVA-02 (arXiv 2303.11331).
void append_eva02(std::vector<VitConfig> &all) {
  const auto add = [&](Size size, int patch, int image, const char *kind) -> VitConfig & {
    size.mlp_hidden = size.channels * 8 / 3;
    VitConfig config =
        named(std::string("eva02_") + size.name + "_patch" + std::to_string(patch) + "_" + kind + std::to_string(image),
              size, patch, image);
    config.mlp = {.gated = true, .normed = size.channels >= 768};
    config.activation = Activation::silu;
    config.pool = Pool::mean;
    config.class_token = true;
    config.rope = {.grid = Rope::Grid::index, .temperature = 10000, .reference = 16};
    config.classes = image > 224 ? 1000 : 0;
    config.mean = clip_mean;
    config.std = clip_std;
    if (image > 224)
      config.crop_pct = 1.0;
    return all.emplace_back(config);
  };
  for (const Size size : {tiny, small})
    for (const int image : {224, 336})
      add(size, 14, image, "");
  for (const Size size : {base, large}) {
    add(size, 14, 224, "");
    add(size, 14, 448, "").crop_mode = CropMode::squash;
  }
}

// Its CLIP (arXiv 2303.15389), with a norm behind attention.
void append_eva02_clip(std::vector<VitConfig> &all) {
  for (auto [size, patch, image, features] :
       {std::tuple(base, 16, 224, 512), std::tuple(large, 14, 224, 768), std::tuple(large, 14, 336, 768)}) {
    size.mlp_hidden = size.channels * 8 / 3;
    VitConfig config =
        named(std::string("eva02_") + size.name + "_patch" + std::to_string(patch) + "_clip_" + std::to_string(image),
              size, patch, image);
    config.mlp = {.gated = true, .normed = true};
    config.activation = Activation::silu;
    config.attention_norm = true;
    config.rope = {.grid = Rope::Grid::index, .temperature = 10000, .reference = 16};
    config.projection = features;
    config.classes = 0;
    config.mean = clip_mean;
    config.std = clip_std;
    if (image > 224)
      config.crop_pct = 1.0;
    all.push_back(config);
  }
}

// Encoders for language models and for dense tasks (arXiv 2504.13181), which have no last norm.
void append_pe_others(std::vector<VitConfig> &all) {
  const auto add = [&](const char *kind, Size size, int patch, int image) {
    VitConfig config = named(std::string("vit_pe_") + kind + "_" + size.name + "_patch" + std::to_string(patch) + "_" +
                                 std::to_string(image),
                             size, patch, image);
    config.layer_norm_eps = 1e-5;
    config.class_token = size.channels < 1536;
    config.prefix_tokens = config.class_token ? 1 : 0;
    config.pre_norm = true;
    config.pool = Pool::raw_mean;
    config.classes = 0;
    config.rope = {.grid = Rope::Grid::index,
                   .temperature = 10000,
                   .columns_first = true,
                   .offset = config.class_token ? 1.0 : 0.0,
                   .reference = 32};
    config.crop_pct = 1.0;
    all.push_back(config);
  };
  add("lang", {"large", 1024, 23, 16}, 14, 448);
  add("lang", {"gigantic", 1536, 47, 16, 8960}, 14, 448);
  for (const Size size : {tiny, small, base})
    add("spatial", size, 16, 512);
  add("spatial", large, 14, 448);
  add("spatial", {"gigantic", 1536, 50, 16, 8960}, 14, 448);
}

void append_eva(std::vector<VitConfig> &all) {
  constexpr Size giant = {"giant", 1408, 40, 16, 6144};
  for (const int image : {224, 336, 560}) {
    VitConfig config = named("eva_giant_patch14_" + std::to_string(image), giant, 14, image);
    config.pool = Pool::mean;
    config.class_token = true;
    config.mean = image == 560 ? imagenet_mean : clip_mean;
    config.std = image == 560 ? imagenet_std : clip_std;
    if (image > 224) {
      config.crop_pct = 1.0;
      config.crop_mode = CropMode::squash;
    }
    all.push_back(config);
  }
  VitConfig clip = named("eva_giant_patch14_clip_224", giant, 14, 224);
  clip.projection = 1024;
  clip.classes = 0;
  clip.mean = clip_mean;
  clip.std = clip_std;
  all.push_back(clip);
  // Without rotary positions, too, and with norms behind the branches.
  VitConfig enormous = named("eva02_enormous_patch14_clip_224", {"enormous", 1792, 64, 16, 15360}, 14, 224);
  enormous.projection = 1024;
  enormous.classes = 0;
  enormous.mean = clip_mean;
  enormous.std = clip_std;
  enormous.post_norms = true;
  all.push_back(enormous);
}

} // namespace

void append_rotary(std::vector<VitConfig> &all) {
  append_eva02_clip(all);
  for (const Size size : {small, base, large})
    all.push_back(dinov3(std::string("vit_") + size.name + "_patch16_dinov3", size, 256, Pool::normed_mean));
  for (const Size size : {tiny, small, base, large})
    all.push_back(dinov3(std::string("vit_") + size.name + "_patch16_dinov3_qkvb", size, 256, Pool::normed_mean));
  for (const Size size : {small, base, large}) {
    VitConfig config = dinov3(std::string("vit_") + size.name + "_patch16_lingbot", size, 512, Pool::token);
    config.crop_mode = CropMode::squash;
    config.interpolation = "bilinear";
    all.push_back(config);
  }
  for (const char *biases : {"", "_qkvb"}) {
    append_gated(dinov3(std::string("vit_small_plus_patch16_dinov3") + biases, small, 256, Pool::normed_mean), all);
    append_gated(dinov3(std::string("vit_huge_plus_patch16_dinov3") + biases, {"huge_plus", 1280, 32, 20}, 256,
                        Pool::normed_mean),
                 all);
  }
  append_gated(dinov3("vit_7b_patch16_dinov3", {"7b", 4096, 40, 32, 8192}, 256, Pool::normed_mean), all);
  VitConfig lingbot = dinov3("vit_giant_patch16_lingbot", gated_giant, 512, Pool::token);
  lingbot.crop_mode = CropMode::squash;
  lingbot.interpolation = "bilinear";
  append_gated(lingbot, all);
  append_eva02(all);
  append_pe_others(all);
  append_rope_vits(all);
  append_pe_core(all);
  append_eva(all);
}

} // namespace intvit::known
