// Random integer models: every file is a valid one, and what flows through it looks like a trained model's codes.
#include <array>
#include <cmath>

#include <catch2/catch.hpp>

#include "engine/runtime/session.hpp"
#include "kernels/dispatch.hpp"
#include "models/architectures/registry.hpp"
#include "models/random/random_model.hpp"
#include "tests/support/tiny_model.hpp"

namespace intvit {
namespace {

using test::ModelParts;

VitConfig shallow(std::string_view name) {
  auto config = std::get<VitConfig>(architecture(name));
  config.depth = 3;
  config.classes = std::min(config.classes, 10);
  return config;
}

std::vector<std::int32_t> logits(const std::vector<std::byte> &bytes, const Image &image,
                                 const kernels::KernelTable &kernels = kernels::default_kernels()) {
  const Result<ModelFile> file = ModelFile::parse(bytes, "random");
  INFO(file.status().message());
  REQUIRE(file.ok());
  const Result<std::shared_ptr<const Model>> model = Model::create(*file, kernels);
  INFO(model.status().message());
  REQUIRE(model.ok());
  Result<Session> session = Session::create(*model, {.threads = 1, .max_batch = 1});
  REQUIRE(session.ok());
  const std::array<const std::uint8_t *, 1> input{image.rgb.data()};
  REQUIRE(session->run(input).ok());
  return {session->logits().begin(), session->logits().end()};
}

// The class token's codes after node `name`: the model cut off there, with an identity in place of the head.
std::vector<std::int32_t> codes_after(const std::vector<std::byte> &bytes, const std::string &name,
                                      const Image &image) {
  ModelParts parts(bytes);
  std::vector<Node> &nodes = parts.description.graph.nodes;
  while (nodes.back().name != name) {
    const std::string prefix = nodes.back().name + ".";
    std::erase_if(parts.tensors, [&](const auto &tensor) {
      return tensor.first.starts_with(prefix) && tensor.first.find('.', prefix.size()) == std::string::npos;
    });
    nodes.pop_back();
  }
  const auto channels = static_cast<std::size_t>(parts.tensors.at(name + ".multiplier").shape[0]);
  nodes.push_back({"first_row", {name}, TakeRows{1}});
  nodes.push_back({"probe", {"first_row"}, Linear{.epilogue = kernels::Epilogue::logits, .shift = 32}});
  std::vector<std::int8_t> identity(channels * channels);
  for (std::size_t i = 0; i < channels; ++i)
    identity[i * channels + i] = 4; // 4 * 2^30 = 2^32
  const auto size = static_cast<std::int64_t>(channels);
  parts.set("probe.weight", DType::i8, {size, size}, identity);
  parts.set("probe.multiplier", DType::i32, {size}, std::vector<std::int32_t>(channels, 1 << 30));
  parts.set("probe.offset", DType::i64, {size}, std::vector<std::int64_t>(channels, 0));
  parts.add_blank_golden(static_cast<int>(size));
  return logits(parts.file(), image);
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

TEST_CASE("random models: codes fill their range in every form of the stream and of softmax") {
  const auto residual = GENERATE(ResidualFormat::int16, ResidualFormat::ptf8, ResidualFormat::ptf8_paper);
  const auto softmax =
      GENERATE(kernels::Softmax::int8, kernels::Softmax::lis4, kernels::Softmax::lis8, kernels::Softmax::int16);
  RandomModelOptions options;
  options.residual = residual;
  options.softmax = softmax;
  const std::vector<std::byte> bytes = random_model(architecture("deit_tiny_patch16_224"), options, 1);
  const Image image = test::random_images(1, 224, 224, 5).front();
  for (const char *name : {"blocks.0.norm1", "blocks.0.attn.qkv", "blocks.0.attn", "blocks.6.norm2", "blocks.6.attn",
                           "blocks.11.norm1", "blocks.11.attn", "blocks.11.norm2", "norm"}) {
    CAPTURE(name, static_cast<int>(residual), static_cast<int>(softmax));
    const Statistics found = statistics(codes_after(bytes, name, image));
    CHECK(std::abs(found.mean) < 16);
    CHECK(found.deviation > 8);
    CHECK(found.deviation < 56);
    CHECK(found.clamped < 0.05);
  }
  for (const char *name : {"blocks.0.mlp.fc1", "blocks.11.mlp.fc1"}) { // one-sided
    CAPTURE(name);
    const Statistics found = statistics(codes_after(bytes, name, image));
    CHECK(found.deviation > 8);
    CHECK(found.deviation < 56);
    CHECK(found.clamped < 0.05);
  }
}

TEST_CASE("random models: codes fill their range in the parts of other architectures") {
  RandomModelOptions options;
  options.residual = GENERATE(ResidualFormat::int16, ResidualFormat::ptf8);
  const auto fills = [&](std::string_view architecture_name, const std::vector<std::string> &nodes) {
    const ArchitectureConfig config = architecture(architecture_name);
    const std::vector<std::byte> bytes = random_model(config, options, 1);
    const Image image =
        test::random_images(1, common_config(config).image_width, common_config(config).image_height, 5).front();
    for (const std::string &name : nodes) {
      CAPTURE(architecture_name, name, static_cast<int>(options.residual));
      const Statistics found = statistics(codes_after(bytes, name, image));
      CHECK(std::abs(found.mean) < 16);
      CHECK(found.deviation > 8);
      CHECK(found.deviation < 56);
      CHECK(found.clamped < 0.05);
    }
  };
  fills("swin_tiny_patch4_window7_224",
        {"layers.0.blocks.0.norm1", "layers.0.blocks.1.attn", "layers.1.downsample.norm", "layers.2.blocks.5.attn",
         "layers.3.downsample.norm", "layers.3.blocks.1.norm2", "mean"});
  fills("deit_tiny_distilled_patch16_224", {"blocks.11.attn", "norm"});
  fills("vit_base_patch16_reg4_gap_256", {"norm"});
}

TEST_CASE("random models: STLQ weights fill the codes' range too, and every instruction set gives the golden logits") {
  const auto ratio = GENERATE(0.0, 0.15, 1.0);
  RandomModelOptions options;
  options.weight_format = kernels::WeightFormat::stlq;
  options.two_word_ratio = ratio;
  const std::vector<std::byte> bytes = random_model(shallow("deit_tiny_patch16_224"), options, 1);
  const Image image = test::random_images(1, 224, 224, 5).front();
  for (const char *name : {"blocks.0.attn.qkv", "blocks.0.mlp.fc1", "norm"}) {
    CAPTURE(name, ratio);
    const Statistics found = statistics(codes_after(bytes, name, image));
    CHECK(found.deviation > 8);
    CHECK(found.deviation < 56);
    CHECK(found.clamped < 0.05);
  }
  const std::vector<std::int32_t> golden = logits(bytes, image, kernels::reference_kernels());
  for (const kernels::KernelTable &kernels : kernels::available_kernels()) {
    CAPTURE(kernels.name);
    CHECK(logits(bytes, image, kernels) == golden);
  }
}

TEST_CASE("random models: valid files, with golden logits that every instruction set gives") {
  std::vector<ArchitectureConfig> configs;
  for (const char *name :
       {"deit_tiny_patch16_224", "vit_small_patch16_384", "vit_base_patch32_224", "deit_tiny_distilled_patch16_224",
        "vit_medium_patch16_gap_256", "vit_medium_patch16_reg4_gap_256", "vit_small_patch14_reg4_dinov2"})
    configs.emplace_back(shallow(name));
  for (const int classes : {0, 10}) {
    auto swin = std::get<SwinConfig>(architecture("swin_tiny_patch4_window7_224"));
    swin.depths = {2, 2, 2, 1};
    swin.classes = classes;
    configs.emplace_back(swin);
  }
  for (const ArchitectureConfig &architecture : configs) {
    const ModelConfig &config = common_config(architecture);
    CAPTURE(config.architecture, config.classes);
    RandomModelOptions options;
    options.residual = config.classes == 0 ? ResidualFormat::ptf8 : ResidualFormat::int16;
    const std::vector<std::byte> bytes = random_model(architecture, options, 1);
    const Result<ModelFile> file = ModelFile::parse(bytes, config.architecture);
    REQUIRE(file.ok());
    Image image{config.image_width, config.image_height, {}};
    image.rgb.assign(file->golden_image().begin(), file->golden_image().end());
    const std::vector<std::int32_t> golden = file->golden_logits();
    REQUIRE(static_cast<int>(golden.size()) == outputs(architecture));
    CHECK(statistics(golden).deviation > 128); // an eighth of a unit
    for (const kernels::KernelTable &kernels : kernels::available_kernels()) {
      CAPTURE(kernels.name);
      CHECK(logits(bytes, image, kernels) == golden);
    }
  }
}

TEST_CASE("random models: the seed decides, and the image reaches the logits") {
  const VitConfig config = shallow("vit_tiny_patch16_224");
  const std::vector<std::byte> bytes = random_model(config, {}, 1);
  CHECK(random_model(config, {}, 1) == bytes);
  CHECK(random_model(config, {}, 2) != bytes);
  const std::vector<Image> images = test::random_images(2, 224, 224, 9);
  const std::vector<std::int32_t> first = logits(bytes, images[0]);
  CHECK(first != logits(bytes, images[1]));
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
