#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iostream>
#include <set>
#include <sstream>
#include <string>
#include <variant>

#include <catch2/catch.hpp>

#include "models/architectures/registry.hpp"
#include "models/import/formats.hpp"
#include "models/import/huggingface_source.hpp"
#include "tests/models/import/weight_folder.hpp"
#include "tests/support/data.hpp"
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

TEST_CASE("every known architecture is valid and is what its name says") {
  std::set<std::string> names;
  int patches = 0;
  int sizes = 0;
  for (const ArchitectureConfig &architecture : known_architectures()) {
    const ModelConfig &config = common_config(architecture);
    const std::string &name = config.architecture;
    CAPTURE(name);
    CHECK_NOTHROW(validate(architecture));
    CHECK(names.insert(name).second);
    CHECK(outputs(architecture) >= 192);
    if (const std::size_t at = name.find("_patch"); at != std::string::npos) {
      CHECK(std::stoi(name.substr(at + 6)) == config.patch);
      ++patches;
    }
    const std::string last = name.substr(name.rfind('_') + 1);
    if (std::all_of(last.begin(), last.end(), [](char c) { return c >= '0' && c <= '9'; })) {
      CHECK(std::stoi(last) == config.image_width);
      ++sizes;
    }
    CHECK(config.image_height == config.image_width);
    const bool bilinear = name == "vit_base_patch16_224_miil" || name.ends_with("_lingbot");
    CHECK(config.interpolation == (bilinear ? "bilinear" : "bicubic"));
  }
  CHECK(patches > 100);
  CHECK(sizes > 100);
}

namespace {

// The classes of that type, which the refusal of another one lists.
std::string transformers_classes(std::string_view type) {
  try {
    importer::huggingface_config({{"model_type", type}, {"architectures", {"Another"}}});
  } catch (const std::runtime_error &error) {
    std::string message = error.what();
    const std::string before = "can be imported: ";
    REQUIRE(message.find(before) != std::string::npos);
    message = message.substr(message.find(before) + before.size());
    for (std::size_t at = 0; (at = message.find(", ", at)) != std::string::npos; at += 4)
      message.replace(at, 2, "`, `");
    return "`" + message + "`";
  }
  FAIL("a class that there is none of is accepted");
  return {};
}

// docs/architectures.md as the registry has it.
std::string table() {
  std::string text = "# Architectures\n\n"
                     "What can be read, as the program itself has it: a test compares this page with it. "
                     "[importing.md](importing.md)\n"
                     "says how it is read.\n\n"
                     "## transformers\n\n"
                     "| `model_type` | model classes |\n"
                     "|---|---|\n";
  for (const importer::TransformersType &type : importer::transformers_types)
    text += "| `" + std::string(type.name) + "` | " + transformers_classes(type.name) + " |\n";
  text += "\n## timm\n\n"
          "| name | pixels | patch | channels | blocks | parameters of blocks, millions | outputs |\n"
          "|---|---|---|---|---|---|---|\n";
  for (const ArchitectureConfig &architecture : known_architectures()) {
    const ModelConfig &config = common_config(architecture);
    const Network parts = network(architecture);
    std::int64_t parameters = 0;
    std::int64_t channels = parts.embedding.channels;
    for (const BodyPart &part : parts.body) {
      if (const auto *block = std::get_if<BlockPart>(&part))
        parameters += 4 * channels * channels + (block->config.mlp.gated ? 3 : 2) * channels * block->mlp_hidden;
      else
        channels *= 2;
    }
    std::ostringstream row;
    row << "| `" << config.architecture << "` | " << config.image_width << " | " << config.patch << " | "
        << parts.embedding.channels << " | " << parts.blocks() << " | " << (parameters + 500'000) / 1'000'000 << " | "
        << outputs(architecture) << (config.classes == 0 ? " features" : " classes") << " |\n";
    text += row.str();
  }
  return text;
}

} // namespace

TEST_CASE("docs/architectures.md is what the registry has") {
  INFO("write it anew: test_float_reference '[page]' -o /dev/null >docs/architectures.md");
  CHECK(test::read_text_file(test::source_file("../docs/architectures.md")) == table());
}

TEST_CASE("prints docs/architectures.md", "[.][page]") {
  std::cout << table();
}

TEST_CASE("an architecture is found under its name with a pretrained tag") {
  CHECK(common_config(architecture("vit_small_patch32_384.augreg_in21k_ft_in1k")).architecture ==
        "vit_small_patch32_384");
  CHECK(!find_architecture("vit_small"));
  CHECK_THROWS_WITH(architecture("resnet50"), Catch::Contains("unknown architecture \"resnet50\"; known are: vit_tiny_"
                                                              "patch16_224 ") &&
                                                  Catch::EndsWith(" swinv2_large_window12to24_192to384"));
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
  refused([](VitConfig &c) { c.embed_norm = c.pre_norm = true; },
          "patches that are normalized before their positions are added cannot be so after that");
  refused(
      [](VitConfig &c) {
        c.mlp = {.gated = true, .normed = true};
        c.mlp_hidden = 20000;
      },
      "hidden dimension of an MLP with a norm inside is 20000");
  refused(
      [](VitConfig &c) {
        c.mlp.gated = true;
        c.pool = Pool::attention;
        c.pool_hidden = 16;
      },
      "attention pooling behind blocks with gated MLPs is not supported");
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
