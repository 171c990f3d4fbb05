// Random integer models: every file is a valid one, and what flows through it looks like a trained model's codes.
#include <cmath>
#include <map>

#include <catch2/catch.hpp>

#include "kernels/dispatch.hpp"
#include "models/architectures/registry.hpp"
#include "models/random/random_model.hpp"
#include "tests/support/model_parts.hpp"
#include "tests/support/run_model.hpp"

namespace intvit {
namespace {

VitConfig shallow(std::string_view name) {
  auto config = std::get<VitConfig>(architecture(name));
  config.depth = 3;
  config.classes = std::min(config.classes, 10);
  return config;
}

SwinConfig shallow_swin() {
  auto config = std::get<SwinConfig>(architecture("swin_tiny_patch4_window7_224"));
  config.depths = {2, 2, 2, 1};
  return config;
}

// In windows that do not divide its grids, of which two have odd sides.
SwinConfig shallow_swin_v2() {
  auto config = std::get<SwinConfig>(architecture("swinv2_tiny_window8_256"));
  config.depths = {2, 2, 2, 1};
  config.image_height = 208;
  config.image_width = 240;
  return config;
}

using Codes = std::map<std::string, std::vector<std::int32_t>>;

// The first row of codes of every node that gives int8, in a run over this image. The first row is the class token's,
// where there is one.
Codes first_rows(const std::vector<std::byte> &bytes, const Image &image) {
  struct Context {
    const Program *program;
    Codes codes;
  } context{};
  const auto see = [](void *argument, std::size_t node, std::span<const std::byte> output) {
    auto &seen = *static_cast<Context *>(argument);
    const auto &value = seen.program->values[node + 1];
    if (value.type != kernels::ElementType::int8)
      return;
    std::vector<std::int32_t> &row = seen.codes[seen.program->nodes[node].name];
    for (const std::byte code : output.first(static_cast<std::size_t>(value.columns)))
      row.push_back(static_cast<std::int8_t>(code));
  };
  const std::shared_ptr<const Model> model = test::load_model(test::parse_model(bytes));
  context.program = &model->program();
  Session session = test::start_session(model, {.threads = 1, .observer = {see, &context}});
  test::run_logits(session, {&image, 1});
  return context.codes;
}

struct Statistics {
  double mean = 0;
  double deviation = 0;
  double clamped = 0; // share of codes at either end
};

Statistics statistics(const std::vector<std::int32_t> &codes) {
  Statistics result;
  const auto count = static_cast<double>(codes.size());
  for (const std::int32_t code : codes) {
    result.mean += code / count;
    result.clamped += code == -128 || code == 127 ? 1 / count : 0;
  }
  for (const std::int32_t code : codes)
    result.deviation += (code - result.mean) * (code - result.mean) / count;
  result.deviation = std::sqrt(result.deviation);
  return result;
}

// Trained models' codes have such spreads: neither half of their range is empty, nor are many cut off at its ends.
void check_filled(const Codes &codes, const std::vector<std::string> &nodes) {
  for (const std::string &name : nodes) {
    CAPTURE(name);
    REQUIRE(codes.contains(name));
    const Statistics found = statistics(codes.at(name));
    if (!name.ends_with(".fc1")) // GELU's codes are one-sided
      CHECK(std::abs(found.mean) < 16);
    CHECK(found.deviation > 8);
    CHECK(found.deviation < 56);
    CHECK(found.clamped < 0.05);
  }
}

TEST_CASE("random models: codes fill their range in every form of the stream and of softmax") {
  const auto residual = GENERATE(ResidualFormat::int16, ResidualFormat::ptf8, ResidualFormat::ptf8_paper);
  const auto softmax =
      GENERATE(kernels::Softmax::int8, kernels::Softmax::lis4, kernels::Softmax::lis8, kernels::Softmax::int16);
  CAPTURE(static_cast<int>(residual), static_cast<int>(softmax));
  RandomModelOptions options;
  options.residual = residual;
  options.softmax = softmax;
  const std::vector<std::byte> bytes = random_model(shallow("deit_tiny_patch16_224"), options, 1);
  check_filled(first_rows(bytes, test::random_images(1, 224, 224, 5).front()),
               {"blocks.0.norm1", "blocks.0.attn.qkv", "blocks.0.attn", "blocks.0.mlp.fc1", "blocks.1.norm2",
                "blocks.1.attn", "blocks.2.norm1", "blocks.2.attn", "blocks.2.norm2", "blocks.2.mlp.fc1", "norm"});
}

TEST_CASE("random models: codes fill their range to the end of a deep model and in other architectures") {
  RandomModelOptions options;
  options.residual = GENERATE(ResidualFormat::int16, ResidualFormat::ptf8);
  const auto fills = [&](const ArchitectureConfig &config, const std::vector<std::string> &nodes) {
    const ModelConfig &common = common_config(config);
    CAPTURE(common.architecture, static_cast<int>(options.residual));
    check_filled(first_rows(random_model(config, options, 1),
                            test::random_images(1, common.image_width, common.image_height, 5).front()),
                 nodes);
  };
  fills(architecture("deit_tiny_distilled_patch16_224"),
        {"blocks.6.norm2", "blocks.6.attn", "blocks.11.attn", "blocks.11.mlp.fc1", "norm"});
  fills(shallow_swin(), {"layers.0.blocks.0.norm1", "layers.0.blocks.1.attn", "layers.1.downsample.norm",
                         "layers.2.blocks.1.attn", "layers.3.downsample.norm", "layers.3.blocks.0.norm2", "mean"});
  fills(shallow_swin_v2(), {"layers.0.blocks.0.attn.unit", "layers.0.blocks.1.attn", "layers.2.blocks.1.attn.unit",
                            "layers.2.blocks.1.mlp.fc1", "layers.3.blocks.0.attn", "mean"});
  fills(shallow("vit_relpos_small_patch16_rpn_224"), {"blocks.0.attn", "blocks.2.attn", "blocks.2.mlp.fc1"});
  fills(shallow("vit_base_patch16_reg4_gap_256"), {"norm"});
  fills(shallow("beit_base_patch16_224"), {"blocks.0.attn", "blocks.2.attn", "blocks.2.mlp.fc1", "norm"});
  fills(shallow("beit3_base_patch16_224"), {"blocks.0.attn.norm", "blocks.2.attn.norm", "blocks.2.mlp.norm", "norm"});
  fills(shallow("aimv2_large_patch14_224"),
        {"patch_embed.norm", "blocks.0.norm1", "blocks.2.attn", "blocks.2.mlp.product"});
  VitConfig beside_mean = shallow("vit_base_patch16_reg4_gap_256");
  beside_mean.pool = Pool::token_mean;
  fills(beside_mean, {"pooled.token", "pooled.mean", "pooled"});
  fills(shallow("vit_base_patch32_clip_quickgelu_224"),
        {"blocks.0.norm1", "blocks.2.attn", "blocks.2.mlp.fc1", "norm"});
  fills(shallow("vit_small_plus_patch16_dinov3"),
        {"blocks.0.mlp.fc1", "blocks.0.mlp.product", "blocks.2.attn", "blocks.2.mlp.product"});
  fills(shallow("eva02_base_patch14_224"), {"blocks.0.mlp.norm", "blocks.2.attn", "blocks.2.mlp.norm"});
  fills(shallow("vit_base_patch32_siglip_256"),
        {"blocks.2.norm2", "attn_pool.norm", "attn_pool.qkv", "attn_pool", "attn_pool.norm2", "attn_pool.mlp.fc1"});
}

TEST_CASE("random models: weights of four bits fill the codes' range too") {
  const auto ratio = GENERATE(0.0, 0.15, 1.0);
  const auto levels = GENERATE(WeightLevels::stlq, WeightLevels::int4);
  CAPTURE(ratio);
  RandomModelOptions options;
  options.weight_levels = levels;
  options.two_word_ratio = ratio;
  const std::vector<std::byte> bytes = random_model(shallow("deit_tiny_patch16_224"), options, 1);
  check_filled(first_rows(bytes, test::random_images(1, 224, 224, 5).front()),
               {"blocks.0.attn.qkv", "blocks.0.mlp.fc1", "norm"});
}

TEST_CASE("random models: valid files with golden logits") {
  std::vector<ArchitectureConfig> configs;
  for (const char *name :
       {"deit_tiny_patch16_224", "vit_small_patch16_384", "vit_base_patch32_224", "deit_tiny_distilled_patch16_224",
        "vit_medium_patch16_gap_256", "vit_medium_patch16_reg4_gap_256", "vit_small_patch14_reg4_dinov2",
        "vit_base_patch32_clip_224", "vit_base_patch32_siglip_256", "vit_base_patch32_siglip_gap_256",
        "vit_small_patch16_dinov3", "vit_small_patch16_rope_mixed_224", "vit_small_plus_patch16_dinov3",
        "eva02_base_patch14_224", "vit_pe_spatial_tiny_patch16_512", "vit_pe_core_tiny_patch16_384"})
    configs.emplace_back(shallow(name));
  for (const int classes : {0, 10}) {
    SwinConfig swin = shallow_swin();
    swin.classes = classes;
    configs.emplace_back(swin);
  }
  for (const ArchitectureConfig &architecture : configs) {
    const ModelConfig &config = common_config(architecture);
    CAPTURE(config.architecture, config.classes);
    RandomModelOptions options;
    options.residual = config.classes == 0 ? ResidualFormat::ptf8 : ResidualFormat::int16;
    const ModelFile file = test::parse_model(random_model(architecture, options, 1));
    const std::vector<std::int32_t> golden = file.golden_logits();
    REQUIRE(static_cast<int>(golden.size()) == outputs(architecture));
    CHECK(statistics(golden).deviation > 128); // an eighth of a unit
    CHECK(test::logits_of(file, test::golden_image(file)) == golden);
  }
}

TEST_CASE("random models: the seed decides, and the image reaches the logits") {
  const VitConfig config = shallow("vit_tiny_patch16_224");
  const std::vector<std::byte> bytes = random_model(config, {}, 1);
  CHECK(random_model(config, {}, 1) == bytes);
  CHECK(random_model(config, {}, 2) != bytes);
  const std::vector<Image> images = test::random_images(2, 224, 224, 9);
  const ModelFile file = test::parse_model(bytes);
  const std::vector<std::int32_t> first = test::logits_of(file, images[0]);
  CHECK(first != test::logits_of(file, images[1]));
  CHECK(statistics(first).deviation > 256); // a quarter of a unit
}

TEST_CASE("random models: an impossible architecture is refused") {
  VitConfig config = shallow("vit_tiny_patch16_224");
  config.heads = 5;
  CHECK_THROWS_WITH(random_model(config, {}, 1), Catch::Matchers::Contains("not a multiple"));
}

TEST_CASE("kernel tables: every instruction set has its peak, and counts what it does") {
  for (const kernels::KernelTable &kernels : kernels::available_kernels()) {
    CAPTURE(kernels.name);
    REQUIRE(kernels.peak != nullptr);
    const std::int64_t once = kernels.peak(1);
    CHECK(once > 0);
    CHECK(kernels.peak(10) == 10 * once);
    CHECK(kernels.peak(0) == 0);
  }
}

} // namespace
} // namespace intvit
