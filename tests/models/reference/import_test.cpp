#include "models/import/timm.hpp"

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>

#include <catch2/catch.hpp>

#include "engine/container/safetensors.hpp"
#include "models/architectures/registry.hpp"
#include "models/import/load.hpp"
#include "tests/models/import/weight_folder.hpp"
#include "tests/models/reference/timm_files.hpp"
#include "tests/support/data.hpp"
#include "tests/support/small_vit.hpp"
#include "tests/support/timm_tensors.hpp"

namespace intvit {

using Catch::Contains;
using Catch::StartsWith;

namespace {

using test::encode;
using test::file_of;
using test::folder_of;
using test::small_config;
using test::timm_tensors;
using test::two_heads;
using Tensors = test::WeightTensors;

VitModel load_vit(const std::string &path, const TimmOptions &options = {}) {
  return std::get<VitModel>(load_timm(path, options));
}

} // namespace

TEST_CASE("a bare file is imported with the number of heads given") {
  const VitModel original = random_weights(small_config(), 1);
  const VitModel model = load_vit(file_of(timm_tensors(original)), two_heads());
  CHECK(timm_tensors(model)["blocks.1.mlp.fc2.weight"].values ==
        timm_tensors(original)["blocks.1.mlp.fc2.weight"].values);
  CHECK(model.weights.prefix == original.weights.prefix);
  CHECK(model.weights.position == original.weights.position);
  CHECK(model.weights.patch_embed.weight == original.weights.patch_embed.weight);
  CHECK(model.weights.head.bias == original.weights.head.bias);
  CHECK(model.config.architecture == "vit");
  CHECK(model.config.image_height == 8);
  CHECK(model.config.image_width == 8);
  CHECK(model.config.patch == 4);
  CHECK(model.config.channels == 6);
  CHECK(model.config.depth == 2);
  CHECK(model.config.heads == 2);
  CHECK(model.config.mlp_hidden == 24);
  CHECK(model.config.classes == 3);
  CHECK(model.config.mean[0] == 0.5);
  CHECK(model.labels.empty());
}

TEST_CASE("the MLP's width is the tensors' where config.json is silent") {
  VitConfig config = small_config();
  config.mlp_hidden = 10;
  const Tensors tensors = timm_tensors(random_weights(config, 1));
  for (const char *args : {"", R"(, "embed_dim": 6)", R"(, "embed_dim": 6, "mlp_ratio": 1.8)"})
    CHECK(load_vit(folder_of(tensors,
                             R"({"architecture": "mine", "model_args": {"num_heads": 2)" + std::string(args) + "}}"))
              .config.mlp_hidden == 10);
}

TEST_CASE("a head with a single output gives a score") {
  VitConfig config = small_config();
  config.classes = 1;
  const Tensors tensors = timm_tensors(random_weights(config, 1));
  CHECK(load_vit(file_of(tensors), two_heads()).config.result_kind() == ResultKind::scores);
  CHECK(
      load_vit(folder_of(tensors, R"({"architecture": "mine", "num_classes": 1})"), two_heads()).config.result_kind() ==
      ResultKind::scores);
  config.classes = 2;
  CHECK(load_vit(file_of(timm_tensors(random_weights(config, 1))), two_heads()).config.result_kind() ==
        ResultKind::logits);
}

TEST_CASE("16-bit weights are widened") {
  const Tensors tensors = timm_tensors(random_weights(small_config(), 2));
  const std::vector<float> &exact = tensors.at("blocks.0.attn.qkv.weight").values;
  for (const DType dtype : {DType::f16, DType::bf16}) {
    const std::string path = test::temporary_file("half.safetensors");
    test::write_weights(tensors, path, dtype);
    const std::vector<float> actual = timm_tensors(load_vit(path, two_heads())).at("blocks.0.attn.qkv.weight").values;
    const float step = dtype == DType::f16 ? 0x1p-10F : 0x1p-7F;
    REQUIRE(actual.size() == exact.size());
    for (std::size_t i = 0; i < exact.size(); ++i)
      CHECK(std::abs(actual[i] - exact[i]) <= step * std::abs(exact[i]));
    CHECK(actual != exact);
  }
}

TEST_CASE("timm's CLIP: a head of the projection's width gives features, another one classes") {
  VitConfig config = small_config();
  config.pre_norm = true;
  config.classes = 512;
  const VitModel model = random_weights(config, 3);
  Tensors tensors = timm_tensors(model);
  const auto load = [&](const std::string &tag, const ImportOptions &options = {}) {
    return std::get<VitModel>(
        load_float_model(
            folder_of(tensors, R"({"architecture": "vit_base_patch16_clip_224", "model_args": {"img_size": 8,
                             "patch_size": 4, "embed_dim": 6, "depth": 2, "num_heads": 2},
                             "pretrained_cfg": {"tag": ")" +
                                   tag + "\"}}"),
            options)
            .model);
  };
  const VitModel projected = load("openai");
  CHECK(projected.config.projection == 512);
  CHECK(projected.config.classes == 0);
  CHECK(projected.config.crop_pct == 0.9);
  CHECK(projected.config.layer_norm_eps == 1e-5);
  CHECK(projected.config.result_kind() == ResultKind::embedding);
  CHECK(projected.weights.projection.weight == model.weights.head.weight);
  for (const VitModel &classifier : {load("openai_ft_in1k"), load("openai", {.head = ResultKind::logits})}) {
    CHECK(classifier.config.projection == 0);
    CHECK(classifier.config.classes == 512);
    CHECK(classifier.weights.head.weight == model.weights.head.weight);
  }
  tensors.erase("head.weight");
  tensors.erase("head.bias");
  CHECK(load("openai").config.features() == 6);
}

TEST_CASE("config.json describes a custom model") {
  VitConfig config = small_config();
  config.image_width = 16;
  const Tensors tensors = timm_tensors(random_weights(config, 3));
  const VitModel model = load_vit(folder_of(tensors, R"({
    "architecture": "vit_tiny_patch16_224", "num_classes": 3, "num_features": 6, "global_pool": "token",
    "label_names": ["cat", "dog", "horse"],
    "pretrained_cfg": {"mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6], "crop_pct": 0.875, "interpolation": "bilinear",
                       "input_size": [3, 224, 224], "tag": "mine"},
    "model_args": {"img_size": [8, 16], "patch_size": 4, "embed_dim": 6, "depth": 2, "num_heads": 2, "mlp_ratio": 4,
                   "in_chans": 3, "num_classes": 3, "global_pool": "token", "drop_rate": null}})"));
  CHECK(model.config.architecture == "vit_tiny_patch16_224");
  CHECK(model.config.image_height == 8);
  CHECK(model.config.image_width == 16);
  CHECK(model.config.heads == 2);
  CHECK(model.config.mean == std::array<double, 3>{0.1, 0.2, 0.3});
  CHECK(model.config.std == std::array<double, 3>{0.4, 0.5, 0.6});
  CHECK(model.config.crop_pct == 0.875);
  CHECK(model.config.interpolation == "bilinear");
  CHECK(model.labels == std::vector<std::string>{"cat", "dog", "horse"});
}

TEST_CASE("what config.json leaves unsaid is the architecture's") {
  const Tensors tensors = timm_tensors(random_weights(small_config(), 3));
  const VitModel model = load_vit(folder_of(tensors, R"({
    "architecture": "vit_tiny_patch16_384.augreg_in21k_ft_in1k",
    "model_args": {"img_size": 8, "patch_size": 4, "embed_dim": 6, "depth": 2}})"));
  CHECK(model.config.architecture == "vit_tiny_patch16_384");
  CHECK(model.config.heads == 3);
  CHECK(model.config.mlp_hidden == 24); // four times embed_dim, not the architecture's 768
  CHECK(model.config.crop_pct == 1.0);
}

TEST_CASE("model_args that change nothing, or that say the usual, are taken") {
  const Tensors tensors = timm_tensors(random_weights(small_config(), 3));
  const VitModel plain = load_vit(folder_of(tensors, "{}"), two_heads());
  for (const std::string args :
       {R"("dynamic_img_size": true)", R"("dynamic_img_pad": true)", R"("strict_img_size": false)",
        R"("qk_norm": false)", R"("pre_norm": false)", R"("patch_size": [4, 4])", R"("act_layer": "gelu")",
        R"("norm_layer": "layernorm")", R"("init_values": 0)", R"("img_size": [8, 8])", R"("fix_init": true)",
        R"("pos_embed": "learn")", R"("proj_bias": true)", R"("in_chans": 3.0)"}) {
    CAPTURE(args);
    const VitModel model = load_vit(folder_of(tensors, R"({"model_args": {)" + args + "}}"), two_heads());
    CHECK(model.weights.blocks[1].fc2.weight == plain.weights.blocks[1].fc2.weight);
    CHECK(model.config.tokens() == plain.config.tokens());
  }
}

TEST_CASE("names of classes are a list, an object or numbers, under two keys") {
  const Tensors tensors = timm_tensors(random_weights(small_config(), 3));
  using Labels = std::vector<std::string>;
  const auto labels = [&](const std::string &json) { return load_vit(folder_of(tensors, json), two_heads()).labels; };
  CHECK(labels(R"({"label_names": {"1": "dog", "0": "cat", "2": "cow"}})") == Labels{"cat", "dog", "cow"});
  CHECK(labels(R"({"label_names": [7, "8", 9.5]})") == Labels{"7", "8", "9.5"});
  CHECK(labels(R"({"labels": ["a", "b", "c"]})") == Labels{"a", "b", "c"});
  CHECK(labels(R"({"labels": ["a", "b", "c"], "label_names": ["d", "e", "f"]})") == Labels{"d", "e", "f"});
}

TEST_CASE("timm's crop modes, tags and models that are not square become recipes") {
  const auto recipe = [](const std::string &path, const ImportOptions &options = {}) {
    return to_string(load_float_model(path, options).recipe);
  };
  const Tensors square = timm_tensors(random_weights(small_config(), 3));
  const ImportOptions two{.timm = two_heads()};
  CHECK(recipe(folder_of(square, R"({"pretrained_cfg": {"crop_pct": 0.8, "crop_mode": "squash"}})"), two) ==
        "resize=10x10,crop=8,filter=bicubic");
  CHECK(recipe(folder_of(square, R"({"pretrained_cfg": {"crop_pct": 0.8, "crop_mode": "center"}})"), two) ==
        "resize=10,crop=8,filter=bicubic");
  VitConfig wide = small_config();
  wide.image_width = 16;
  const Tensors oblong = timm_tensors(random_weights(wide, 3));
  const std::string args = R"("model_args": {"img_size": [8, 16]})";
  CHECK(recipe(folder_of(oblong, "{" + args + R"(, "pretrained_cfg": {"crop_pct": 0.5}})"), two) ==
        "resize=32x16,fit=cover,crop=16x8,filter=bicubic");
  CHECK(recipe(folder_of(oblong, "{" + args + R"(, "pretrained_cfg": {"crop_pct": 1, "crop_mode": "squash"}})"), two) ==
        "resize=16x8,crop=16x8,filter=bicubic");

  CHECK(common_config(architecture("deit3_small_patch16_224.fb_in1k")).crop_pct == 0.9);
  for (const std::string end : {"", ".safetensors", ".x"})
    CHECK(common_config(architecture("deit3_small_patch16_224.fb_in22k_ft_in1k" + end)).crop_pct == 1.0);
  CHECK(common_config(architecture("vit_base_patch16_224.bamboo")).mean == clip_mean);
  CHECK(common_config(architecture("vit_base_patch16_224.bamboo")).crop_pct == 1.0);
  CHECK(common_config(architecture("vit_base_patch16_clip_224")).crop_pct == 0.95);
  CHECK(common_config(architecture("vit_base_patch16_clip_224.openai")).crop_pct == 0.9);
  CHECK(common_config(architecture("vit_large_patch14_clip_224.laion2b")).mean[0] == 0.5);
  for (const std::string tag : {"openai", "openai_ft_in12k_in1k", "laion400m_e32", "datacompxl", "dfn2b", "dfn2b_s39b",
                                "metaclip_400m", "metaclip_2pt5b", "apple_mclip2_dfndr2b"})
    CHECK(common_config(architecture("vit_large_patch14_clip_224." + tag)).mean == clip_mean);
  for (const std::string tag : {"", ".laion2b_ft_in1k", ".mine", ".x", ".safetensors"})
    CHECK(common_config(architecture("vit_large_patch14_clip_224" + tag)).mean[0] == 0.5);
  CHECK(common_config(architecture("vit_large_patch14_clip_336.openai")).mean == clip_mean);
  CHECK(common_config(architecture("vit_large_patch14_clip_336.openai")).crop_mode == CropMode::center);
  CHECK(common_config(architecture("vit_large_patch14_clip_336.openai_ft_in12k_in1k")).crop_mode == CropMode::squash);
  const auto clip = [](const char *name) { return std::get<VitConfig>(architecture(name)); };
  CHECK(clip("vit_base_patch16_clip_224.openai").projection == 512);
  CHECK(clip("vit_base_patch16_clip_224.openai").classes == 0);
  CHECK(clip("vit_base_patch16_clip_224.openai_ft_in1k").projection == 0);
  CHECK(clip("vit_base_patch16_clip_224.openai_ft_in1k").classes == 1000);
  CHECK(clip("vit_base_patch32_clip_quickgelu_224").activation == Activation::quick_gelu);
  CHECK(clip("vit_so400m_patch14_siglip_384").partial_patches);
  CHECK(clip("vit_so400m_patch14_siglip_384").tokens() == 729);
  CHECK(clip("vit_so400m_patch16_siglip_gap_512").pool == Pool::normed_mean);
  CHECK(common_config(architecture("vit_base_patch16_224.augreg_in21k")).mean == std::array<double, 3>{0.5, 0.5, 0.5});
  CHECK(common_config(architecture("vit_medium_patch16_gap_384.sw_in12k_ft_in1k")).crop_mode == CropMode::squash);
}

TEST_CASE("config.json may name an architecture of the user's own if model_args give the heads") {
  const Tensors tensors = timm_tensors(random_weights(small_config(), 3));
  const VitModel model =
      load_vit(folder_of(tensors, R"({"architecture": "vit_mine", "model_args": {"num_heads": 3, "img_size": 8}})"));
  CHECK(model.config.architecture == "vit_mine");
  CHECK(model.config.heads == 3);
}

TEST_CASE("early config.json files hold the preprocessing at the top") {
  const Tensors tensors = timm_tensors(random_weights(small_config(), 3));
  const VitModel model =
      load_vit(folder_of(tensors, R"({"mean": [0.1, 0.2, 0.3], "input_size": [3, 8, 8]})"), two_heads());
  CHECK(model.config.mean[2] == 0.3);
}

TEST_CASE("trained weights are recognized by their file's name, by the caller's word, or not at all") {
  const auto path = test::shared_data("weights/deit_tiny_patch16_224.safetensors");
  if (!path)
    return;
  const VitModel model = load_vit(*path);
  CHECK(model.config.architecture == "deit_tiny_patch16_224");
  CHECK(model.config.heads == 3);
  CHECK(model.config.mean[0] == 0.485);
  CHECK(model.config.tokens() == 197);
  CHECK(load_vit(*path, {.architecture = "vit_tiny_patch16_224", .heads = 0}).config.mean[0] == 0.5);
  CHECK_THROWS_WITH(
      load_timm(*path, {.architecture = "deit_small_patch16_224", .heads = 0}),
      Contains("embedding dimension is 192 by the tensors, but 384 by architecture deit_small_patch16_224"));
}

} // namespace intvit
