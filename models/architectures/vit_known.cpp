// timm's names of ViTs, what they stand for, and what its pretrained tags change.
#include "models/architectures/vit_known.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace intvit {

VitConfig known::vit(const std::string &prefix, known::Size size, int patch, int image) {
  VitConfig config;
  config.architecture = prefix + "_" + size.name + "_patch" + std::to_string(patch) + "_" + std::to_string(image);
  config.image_height = image;
  config.image_width = image;
  config.patch = patch;
  config.channels = size.channels;
  config.depth = size.depth;
  config.heads = size.heads;
  config.mlp_hidden = size.mlp_hidden != 0 ? size.mlp_hidden : 4 * size.channels;
  config.classes = 1000;
  if (image > 256)
    config.crop_pct = 1.0;
  return config;
}

using namespace known;

namespace {

// Heads that read the mean of the patches.
VitConfig vit_with_mean_pool(Size size, const std::string &name, int image, int registers, double crop_pct) {
  VitConfig config = vit("vit", size, 16, image);
  config.architecture = name;
  config.prefix_tokens = registers;
  // timm's models with registers normalize the mean, those without take the mean of normalized patches.
  config.pool = registers > 0 ? Pool::mean : Pool::normed_mean;
  config.crop_pct = crop_pct;
  return config;
}

// DeiT and DeiT III.
VitConfig deit(const std::string &prefix, Size size, int patch, int image) {
  VitConfig config = vit(prefix, size, patch, image);
  config.mean = imagenet_mean;
  config.std = imagenet_std;
  return config;
}

VitConfig distilled(Size size, int image) {
  VitConfig config = deit("deit", size, 16, image);
  config.architecture.insert(config.architecture.find("_patch"), "_distilled");
  config.prefix_tokens = 2;
  config.pool = Pool::token_pair;
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

// CLIP's image tower, whose features are a projection of that width, or a classifier where it is 0.
VitConfig clip(const std::string &architecture, Size size, int patch, int image, int projection, double crop_pct) {
  VitConfig config = vit("vit", size, patch, image);
  config.architecture = architecture;
  config.layer_norm_eps = 1e-5;
  config.pre_norm = true;
  config.projection = projection;
  config.classes = projection == 0 ? 1000 : 0;
  if (architecture.find("quickgelu") != std::string::npos)
    config.activation = Activation::quick_gelu;
  config.mean = clip_mean;
  config.std = clip_std;
  config.crop_pct = crop_pct;
  return config;
}

void append_clip(std::vector<VitConfig> &all) {
  const auto add = [&](Size size, int patch, const std::string &rest, int image, int projection, double crop_pct = 1.0,
                       CropMode mode = CropMode::center) {
    const std::string name =
        std::string("vit_") + size.name + "_patch" + std::to_string(patch) + "_" + rest + "_" + std::to_string(image);
    all.push_back(clip(name, size, patch, image, projection, crop_pct));
    all.back().crop_mode = mode;
  };
  const auto with_halves = [&] {
    all.back().mean = VitConfig{}.mean;
    all.back().std = VitConfig{}.std;
  };
  add(base, 32, "clip", 224, 512, 0.9);
  add(base, 32, "clip_quickgelu", 224, 512, 0.9);
  add(base, 32, "clip", 256, 512);
  add(base, 32, "clip", 384, 0);
  add(base, 32, "clip", 448, 0);
  add(base, 16, "clip", 224, 512, 0.95);
  add(base, 16, "clip_quickgelu", 224, 512);
  add(base, 16, "clip", 384, 0, 1.0, CropMode::squash);
  add({"base", 896, 12, 14}, 16, "plus_clip", 240, 640);
  add(large, 14, "clip", 224, 768);
  with_halves();
  add(large, 14, "clip_quickgelu", 224, 768);
  add(large, 14, "clip", 336, 768, 1.0, CropMode::squash);
  with_halves();
  add(large, 14, "clip_quickgelu", 336, 768);
  add(huge, 14, "clip", 224, 1024);
  add(huge, 14, "clip_quickgelu", 224, 1024);
  add(huge, 14, "clip", 336, 0, 1.0, CropMode::squash);
  add(huge, 14, "clip", 378, 1024);
  add(huge, 14, "clip_quickgelu", 378, 1024);
  add({"giant", 1408, 40, 16, 6144}, 14, "clip", 224, 1024);
  add({"gigantic", 1664, 48, 16, 8192}, 14, "clip", 224, 1280);
  add({"gigantic", 1664, 48, 16, 8192}, 14, "clip_quickgelu", 224, 1280);
  add({"gigantic", 1664, 48, 16, 8192}, 14, "clip", 378, 1280, 1.0, CropMode::squash);
  add({"xsmall", 256, 10, 4}, 16, "clip", 224, 512, 0.9); // TinyCLIP
  add(medium, 16, "clip", 224, 512, 0.9);
  add(medium, 32, "clip", 224, 512, 0.9);
  add({"betwixt", 640, 12, 10}, 32, "clip", 224, 512, 0.9);
}

// SigLIP's image tower: the patches alone, pooled by attention or, under names with "gap", their mean.
void append_siglip(std::vector<VitConfig> &all) {
  constexpr Size so400m = {"so400m", 1152, 27, 16, 4304};
  constexpr Size giantopt = {"giantopt", 1536, 40, 16, 6144};
  const auto add = [&](Size size, int patch, int image, Activation activation, bool gap, double crop_pct = 0.9) {
    VitConfig config = vit("vit", size, patch, image);
    config.architecture = std::string("vit_") + size.name + "_patch" + std::to_string(patch) + "_siglip_" +
                          (gap ? "gap_" : "") + std::to_string(image);
    config.prefix_tokens = 0;
    config.classes = 0;
    config.pool = gap ? Pool::normed_mean : Pool::attention;
    config.pool_hidden = gap ? 0 : config.mlp_hidden;
    config.activation = activation;
    config.crop_pct = crop_pct;
    config.partial_patches = image % patch != 0;
    all.push_back(config);
  };
  constexpr Activation exact = Activation::gelu;
  constexpr Activation tanh = Activation::gelu_tanh; // of SigLIP 2's own sizes
  for (const bool gap : {false, true}) {
    add(base, 32, 256, tanh, gap);
    for (const int image : {224, 256, 384, 512})
      add(base, 16, image, exact, gap);
    add(large, 16, 256, exact, gap);
    add(large, 16, 384, exact, gap);
    add(large, 16, 512, tanh, gap);
    add(so400m, 14, 224, exact, gap);
    add(so400m, 14, 378, exact, gap);
    add(so400m, 14, 384, exact, gap, gap ? 1.0 : 0.9);
    for (const int image : {256, 384, 512})
      add(so400m, 16, image, tanh, gap);
    add(giantopt, 16, 256, tanh, gap);
    add(giantopt, 16, 384, tanh, gap);
  }
  add(so400m, 14, 448, exact, true, 1.0);
  add(so400m, 14, 896, exact, true, 1.0);
}

// What remains, under names that follow no rule.
void append_others(std::vector<VitConfig> &all) {
  const auto add = [&](const std::string &name, Size size, int patch, int image,
                       double crop_pct = 0.95) -> VitConfig & {
    VitConfig config = vit("vit", size, patch, image);
    config.architecture = name;
    config.crop_pct = crop_pct;
    return all.emplace_back(config);
  };
  const auto pooled = [&](const std::string &name, Size size, int patch, int image, int registers, Pool pool,
                          double crop_pct = 0.95) -> VitConfig & {
    VitConfig &config = add(name, size, patch, image, crop_pct);
    config.prefix_tokens = registers;
    config.pool = pool;
    return config;
  };
  const auto pixels = [](VitConfig &config, const std::array<double, 3> &mean, const std::array<double, 3> &std) {
    config.mean = mean;
    config.std = std;
  };
  constexpr std::array<double, 3> zeros = {0, 0, 0};
  constexpr std::array<double, 3> ones = {1, 1, 1};
  constexpr Size giant = {"giant", 1408, 40, 16, 6144};
  constexpr Size plus = {"base", 896, 12, 14};

  VitConfig &miil = add("vit_base_patch16_224_miil", base, 16, 224, 0.875);
  miil.interpolation = "bilinear";
  pixels(miil, zeros, ones);
  VitConfig &dino = add("vit_small_patch8_224", small, 8, 224, 0.9);
  dino.classes = 0;
  pixels(dino, imagenet_mean, imagenet_std);
  add("vit_small_patch16_36x1_224", {"small", 384, 36, 6}, 16, 224, 0.9);
  add("vit_huge_patch14_224", huge, 14, 224, 0.9).classes = 0;
  add("vit_giant_patch14_224", giant, 14, 224, 0.9);
  add("vit_gigantic_patch14_224", {"gigantic", 1664, 48, 16, 8192}, 14, 224, 0.9);
  add("vit_base_patch16_plus_240", plus, 16, 240);
  add("vit_base_patch32_plus_256", plus, 32, 256);
  for (const Size size : {small, base, large})
    add(std::string("flexivit_") + size.name, size, 16, 240);
  for (const int image : {196, 336}) {
    VitConfig &eva = pooled("eva_large_patch14_" + std::to_string(image), large, 14, image, 1, Pool::mean, 1.0);
    eva.class_token = true;
    pixels(eva, clip_mean, clip_std);
    eva.crop_mode = image == 336 ? CropMode::squash : CropMode::center;
  }
  for (const auto &[name, size, patch, image] :
       {std::tuple("vit_huge_patch14_gap_224", huge, 14, 224), std::tuple("vit_huge_patch16_gap_448", huge, 16, 448),
        std::tuple("vit_giant_patch16_gap_224", giant, 16, 224)}) { // I-JEPA
    VitConfig &ijepa = pooled(name, size, patch, image, 0, Pool::normed_mean, image == 448 ? 1.0 : 0.9);
    ijepa.classes = 0;
    pixels(ijepa, imagenet_mean, imagenet_std);
  }
  for (const Size size : {base, large, Size{"so400m", 1152, 27, 16, 4304}, gated_giant}) {
    VitConfig &tips = add(std::string("vit_") + size.name + "_patch14_reg1_tipsv2", size, 14, 448, 1.0);
    tips.prefix_tokens = 2;
    tips.classes = 0;
    pixels(tips, zeros, ones);
    if (size.depth == gated_giant.depth) {
      tips.mlp.gated = true;
      tips.activation = Activation::silu;
    }
  }

  constexpr Size mediumd = {"mediumd", 512, 20, 8};
  constexpr Size betwixt = {"betwixt", 640, 12, 10};
  constexpr Size wee = {"wee", 256, 14, 4, 1280};
  constexpr Size little = {"little", 320, 14, 5, 1792};
  constexpr Size so150m = {"so150m", 896, 18, 14, 2304};
  constexpr Size so150m2 = {"so150m2", 832, 21, 13, 2176};
  pooled("vit_medium_patch16_gap_240", medium, 16, 240, 0, Pool::normed_mean);
  pooled("vit_betwixt_patch16_gap_256", betwixt, 16, 256, 0, Pool::normed_mean);
  for (const auto &[size, registers, image] :
       {std::tuple(wee, 1, 256), std::tuple(little, 1, 256), std::tuple(little, 4, 256), std::tuple(medium, 1, 256),
        std::tuple(mediumd, 4, 256), std::tuple(mediumd, 4, 384), std::tuple(betwixt, 1, 256),
        std::tuple(betwixt, 4, 256), std::tuple(betwixt, 4, 384), std::tuple(so150m2, 1, 256),
        std::tuple(so150m2, 1, 384), std::tuple(so150m2, 1, 448), std::tuple(so150m, 4, 256),
        std::tuple(so150m, 4, 384)}) {
    const bool normed = size.channels == so150m.channels;
    const bool whole = image > 256 || size.channels == so150m2.channels;
    VitConfig &config = pooled(std::string("vit_") + size.name + "_patch16_reg" + std::to_string(registers) + "_gap_" +
                                   std::to_string(image),
                               size, 16, image, registers, normed ? Pool::normed_mean : Pool::mean, whole ? 1.0 : 0.95);
    config.crop_mode = image == 448 ? CropMode::squash : CropMode::center;
  }
  VitConfig &map = pooled("vit_so150m_patch16_reg4_map_256", so150m, 16, 256, 4, Pool::attention, 0.9);
  map.pool_hidden = map.mlp_hidden;

  // timm's own, for tests.
  add("test_vit", {"vit", 64, 6, 2, 192}, 16, 160);
  pooled("test_vit2", {"vit", 64, 8, 2, 192}, 16, 160, 1, Pool::mean);
  VitConfig &test_map = pooled("test_vit3", {"vit", 96, 9, 3, 192}, 16, 160, 1, Pool::attention);
  test_map.pool_hidden = test_map.mlp_hidden;
  test_map.pools_prefix = true;
}

} // namespace

std::vector<VitConfig> VitConfig::known() {
  std::vector<VitConfig> all;
  for (const auto &[size, patch] : {std::pair{tiny, 16}, {small, 32}, {small, 16}, {base, 32}, {base, 16}})
    for (const int image : {224, 384})
      all.push_back(vit("vit", size, patch, image));
  all.push_back(vit("vit", base, 8, 224));
  VitConfig without_head = vit("vit", large, 32, 224); // as timm has it, trained on ImageNet-21k
  without_head.classes = 0;
  all.push_back(without_head);
  all.push_back(vit("vit", large, 32, 384));
  for (const int image : {224, 384})
    all.push_back(vit("vit", large, 16, image));
  all.push_back(vit("vit", large, 14, 224));
  // Sixteen heads, not the twelve of other base models.
  all.push_back(vit_with_mean_pool({"base", 768, 12, 16}, "vit_base_patch16_gap_224", 224, 0, 0.9));
  all.push_back(vit_with_mean_pool(medium, "vit_medium_patch16_gap_256", 256, 0, 0.95));
  all.push_back(vit_with_mean_pool(medium, "vit_medium_patch16_gap_384", 384, 0, 0.95));
  all.back().crop_mode = CropMode::squash;
  all.push_back(vit_with_mean_pool(medium, "vit_medium_patch16_reg4_gap_256", 256, 4, 0.95));
  all.push_back(vit_with_mean_pool(base, "vit_base_patch16_reg4_gap_256", 256, 4, 0.9));

  for (const Size size : {tiny, small, base})
    all.push_back(deit("deit", size, 16, 224));
  all.push_back(deit("deit", base, 16, 384));
  for (const Size size : {tiny, small, base})
    all.push_back(distilled(size, 224));
  all.push_back(distilled(base, 384));
  for (const Size size : {small, medium, base, large})
    all.push_back(deit("deit3", size, 16, 224));
  for (const Size size : {small, base, large})
    all.push_back(deit("deit3", size, 16, 384));
  all.push_back(deit("deit3", huge, 14, 224));

  for (const int registers : {0, 4})
    for (const Size size : {small, base, large})
      all.push_back(dinov2(size, registers));
  for (const int registers : {0, 4})
    append_gated(dinov2(gated_giant, registers), all);

  append_clip(all);
  append_siglip(all);
  append_others(all);
  append_biased(all);
  append_naflex(all);
  append_other_norms(all);
  append_rotary(all);
  return all;
}

namespace {

struct TagRecipe {
  std::string_view architecture;
  std::string_view tag;
  double crop_pct;
  CropMode mode = CropMode::center;
};

// Where it is not the architecture's.
constexpr std::array tag_recipes = {
    TagRecipe{"vit_base_patch16_224", "bamboo", 1.0},
    TagRecipe{"vit_base_patch16_clip_224", "datacompxl", 1.0},
    TagRecipe{"vit_base_patch16_clip_224", "dfn2b", 1.0},
    TagRecipe{"vit_base_patch16_clip_224", "laion2b", 1.0},
    TagRecipe{"vit_base_patch16_clip_224", "laion2b_ft_in1k", 1.0},
    TagRecipe{"vit_base_patch16_clip_224", "laion2b_ft_in12k", 0.9},
    TagRecipe{"vit_base_patch16_clip_224", "laion400m_e32", 1.0},
    TagRecipe{"vit_base_patch16_clip_224", "metaclip_2pt5b", 1.0},
    TagRecipe{"vit_base_patch16_clip_224", "metaclip_400m", 1.0},
    TagRecipe{"vit_base_patch16_clip_224", "openai", 0.9},
    TagRecipe{"vit_base_patch16_clip_224", "openai_ft_in1k", 0.9},
    TagRecipe{"vit_base_patch16_clip_224", "openai_ft_in12k", 0.9},
    TagRecipe{"vit_base_patch16_clip_384", "openai_ft_in12k_in1k", 0.95, CropMode::squash},
    TagRecipe{"vit_base_patch16_clip_quickgelu_224", "openai", 0.9},
    TagRecipe{"vit_base_patch32_clip_224", "datacompxl", 1.0},
    TagRecipe{"vit_base_patch32_clip_224", "metaclip_2pt5b", 1.0},
    TagRecipe{"vit_base_patch32_clip_224", "metaclip_400m", 1.0},
    TagRecipe{"vit_base_patch32_clip_384", "openai_ft_in12k_in1k", 0.95, CropMode::squash},
    TagRecipe{"vit_base_patch32_clip_quickgelu_224", "metaclip_2pt5b", 1.0},
    TagRecipe{"vit_base_patch32_clip_quickgelu_224", "metaclip_400m", 1.0},
    TagRecipe{"vit_huge_patch14_clip_378", "metaclip2_worldwide", 1.0, CropMode::squash},
    TagRecipe{"vit_large_patch14_clip_336", "openai", 1.0},
    TagRecipe{"vit_so400m_patch14_siglip_378", "webli_ft_in1k", 1.0, CropMode::squash},
    TagRecipe{"vit_so400m_patch14_siglip_gap_378", "webli", 1.0},
    TagRecipe{"vit_so400m_patch14_siglip_gap_378", "webli_ft_in1k", 1.0, CropMode::squash},
};

// What tags of CLIP's large models begin with that were trained with CLIP's mean.
constexpr std::array<std::string_view, 6> clip_pixels = {"openai", "laion400m", "datacompxl",
                                                         "dfn2b",  "metaclip",  "apple_mclip2"};

} // namespace

void use_tag(std::string_view tag, VitConfig &config) {
  const std::string_view name = config.architecture;
  for (const TagRecipe &recipe : tag_recipes)
    if (recipe.architecture == name && recipe.tag == tag) {
      config.crop_pct = recipe.crop_pct;
      config.crop_mode = recipe.mode;
    }
  if (tag == "sat493m") { // DINOv3 of satellite images
    config.mean = {0.430, 0.411, 0.296};
    config.std = {0.213, 0.156, 0.143};
  }
  if (name == "eva_giant_patch14_336" && tag.starts_with("m30m")) {
    config.mean = imagenet_mean;
    config.std = imagenet_std;
  }
  if (name.starts_with("deit3_") && tag == "fb_in22k_ft_in1k")
    config.crop_pct = 1.0;
  // Of CLIP's large models those of LAION-2B, which the name alone means, have other pixels than the rest.
  const bool large_clip = name == "vit_large_patch14_clip_224" || name == "vit_large_patch14_clip_336";
  if ((name == "vit_base_patch16_224" && tag == "bamboo") ||
      (large_clip && std::any_of(clip_pixels.begin(), clip_pixels.end(),
                                 [&](std::string_view source) { return tag.starts_with(source); }))) {
    config.mean = clip_mean;
    config.std = clip_std;
  }
  if (name.starts_with("beit3") && tag.ends_with("pt")) // trained without classes
    config.classes = 0;
  if (tag == "dino" || tag == "mae") { // trained without classes
    config.mean = imagenet_mean;
    config.std = imagenet_std;
    config.classes = 0;
  }
  if (name.starts_with("eva02_") && tag.ends_with("_ft_in1k") && tag.find("_ft_in22k_in1k") == std::string_view::npos)
    config.crop_mode = CropMode::center;
  if (tag.find("_ft_in") != std::string_view::npos) { // fine-tuned to classify
    config.projection = 0;
    config.classes = 1000;
  }
  if (name.starts_with("beit") && tag.ends_with("_ft_in22k")) {
    config.classes = 21841;
    config.crop_pct = 0.9;
  }
}

} // namespace intvit
