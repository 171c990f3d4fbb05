#include <algorithm>
#include <cmath>
#include <set>

#include <catch2/catch.hpp>

#include "models/architectures/registry.hpp"
#include "tests/support/small_vit.hpp"

namespace intvit {

namespace {

std::int64_t parameters(std::string_view name) {
  const auto config = std::get<VitConfig>(architecture(name));
  VitWeights unallocated;
  unallocated.blocks.resize(static_cast<std::size_t>(config.depth));
  std::int64_t count = config.channels; // the class token's position, which is added to the token
  for (const NamedTensor &tensor : named_tensors(config, unallocated))
    count += tensor.elements();
  return count;
}

VitConfig small_vit() {
  return test::small_vit_config(
      {.height = 8, .width = 8, .patch = 4, .channels = 6, .depth = 1, .hidden = 5, .classes = 3});
}

} // namespace

// The figures that timm prints for these models.
TEST_CASE("known architectures have the published number of parameters") {
  CHECK(parameters("vit_tiny_patch16_224") == 5'717'416);
  CHECK(parameters("deit_tiny_patch16_224") == 5'717'416);
  CHECK(parameters("vit_small_patch16_224") == 22'050'664);
  CHECK(parameters("vit_base_patch16_224") == 86'567'656);
  CHECK(parameters("vit_base_patch32_224") == 88'224'232);
  CHECK(parameters("vit_base_patch16_384") == 86'859'496);
  CHECK(parameters("vit_large_patch16_224") == 304'326'632);
}

namespace {

// Architectures that timm has without classes.
const std::vector<std::string> features_alone{"_dinov2", "_clip_", "_siglip_", "vit_large_patch32_224"};
// Those of them that it has in another form, fine-tuned alone.
const std::vector<std::string> with_classes{"vit_base_patch32_clip_384", "vit_base_patch32_clip_448",
                                            "vit_base_patch16_clip_384", "vit_huge_patch14_clip_336"};

bool gives_features(const std::string &name) {
  const auto is_part = [&](const std::string &part) { return name.find(part) != std::string::npos; };
  return std::ranges::any_of(features_alone, is_part) && std::ranges::none_of(with_classes, is_part);
}

} // namespace

TEST_CASE("every known architecture is valid and says in its name what it is") {
  std::set<std::string> names;
  for (const ArchitectureConfig &architecture : known_architectures()) {
    const ModelConfig &config = common_config(architecture);
    const std::string &name = config.architecture;
    CAPTURE(name);
    CHECK_NOTHROW(validate(architecture));
    CHECK(names.insert(name).second);
    CHECK(name.find("_patch" + std::to_string(config.patch) + "_") != std::string::npos);
    const bool dinov2 = name.ends_with("_dinov2");
    const bool clip = name.find("_clip_") != std::string::npos;
    CHECK((dinov2 || name.ends_with("_" + std::to_string(config.image_width))));
    CHECK(config.classes == (gives_features(name) ? 0 : 1000));
    CHECK(outputs(architecture) >= 384);
    const bool laion_large = name == "vit_large_patch14_clip_224" || name == "vit_large_patch14_clip_336";
    CHECK(config.mean[0] == (clip && !laion_large ? 0.48145466 : name.starts_with("vit") && !dinov2 ? 0.5 : 0.485));
    CHECK(config.interpolation == "bicubic");
  }
}

TEST_CASE("an architecture is found under its name with a pretrained tag") {
  CHECK(common_config(architecture("vit_small_patch32_384.augreg_in21k_ft_in1k")).architecture ==
        "vit_small_patch32_384");
  CHECK(!find_architecture("vit_small"));
  CHECK_THROWS_WITH(architecture("resnet50"), Catch::Contains("unknown architecture \"resnet50\"; known are: vit_tiny_"
                                                              "patch16_224 ") &&
                                                  Catch::EndsWith(" swin_large_patch4_window12_384"));
}

TEST_CASE("impossible configurations are refused with what is wrong") {
  const auto refused = [](auto change, const char *message) {
    VitConfig config = small_vit();
    change(config);
    CHECK_THROWS_WITH(validate(config), Catch::Contains(message));
  };
  CHECK_NOTHROW(validate(small_vit()));
  refused([](VitConfig &c) { c.image_width = 10; }, "image width 10 is not a multiple of patch size 4");
  refused([](VitConfig &c) { c.image_height = 0; }, "image height is 0, must be 1 to 16384");
  refused([](VitConfig &c) { c.heads = 4; }, "embedding dimension 6 is not a multiple of number of heads 4");
  refused([](VitConfig &c) { c.depth = 0; }, "depth is 0, must be 1 to 1024");
  refused([](VitConfig &c) { c.mlp_hidden = 1 << 20; }, "MLP hidden dimension is 1048576");
  refused([](VitConfig &c) { c.std[1] = 0.0; }, "std is 0.0");
  refused([](VitConfig &c) { c.mean[2] = std::nan(""); }, "mean is nan");
  refused([](VitConfig &c) { c.crop_pct = 1.5; }, "crop_pct is 1.5");
  refused([](VitConfig &c) { c.interpolation = "nearest"; }, "interpolation \"nearest\" is not supported");
}

TEST_CASE("random models depend on the seed alone") {
  const VitModel first = random_weights(small_vit(), 1);
  const VitModel again = random_weights(small_vit(), 1);
  const VitModel other = random_weights(small_vit(), 2);
  CHECK(first.weights.blocks[0].fc1.weight == again.weights.blocks[0].fc1.weight);
  CHECK(first.weights.blocks[0].fc1.weight != other.weights.blocks[0].fc1.weight);
  CHECK(first.weights.norm.weight.minCoeff() > 0.7F);
  CHECK(first.weights.blocks[0].fc1.weight.cwiseAbs().maxCoeff() <= std::sqrt(3.0F / 6.0F));
}

} // namespace intvit
