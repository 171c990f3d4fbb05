// The import and the float reference against outputs that timm computed, see check_timm.py.
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "models/import/timm.hpp"
#include "models/reference/forward.hpp"
#include "tests/models/import/weight_folder.hpp"
#include "tests/models/timm/golden_weights.hpp"
#include "tests/support/data.hpp"

namespace intvit {

namespace {

using Catch::Contains;
using nlohmann::json;

std::vector<json> all_goldens() {
  std::vector<json> goldens;
  for (const auto &entry : std::filesystem::directory_iterator(test::source_file("models/timm/goldens"))) {
    goldens.push_back(json::parse(std::ifstream(entry.path())));
    goldens.back()["name"] = entry.path().stem();
  }
  CHECK(goldens.size() == 49);
  return goldens;
}

test::WeightTensors golden_tensors(const json &golden) {
  test::WeightTensors tensors;
  for (const auto &[name, shape] : golden["tensors"].items())
    tensors[name] = test::golden_tensor(name, shape.get<std::vector<std::int64_t>>());
  return tensors;
}

// A folder as timm pushes it.
std::string weights_folder(const json &golden, const test::WeightTensors &tensors) {
  const std::string folder = test::temporary_file("timm");
  std::filesystem::create_directories(folder);
  test::write_weights(tensors, folder + "/model.safetensors");
  std::ofstream(folder + "/config.json") << golden["config"].dump();
  return folder;
}

// What load_timm() says of it, empty where it takes it.
std::string refusal(const json &golden, const test::WeightTensors &tensors) {
  try {
    load_timm(weights_folder(golden, tensors));
  } catch (const std::runtime_error &error) {
    return error.what();
  }
  return {};
}

} // namespace

TEST_CASE("small models of every architecture give timm's outputs") {
  for (const json &golden : all_goldens()) {
    CAPTURE(golden["name"]);
    const FloatModel model = load_timm(weights_folder(golden, golden_tensors(golden)));
    const ModelConfig &config = common_config(model);
    const std::vector<float> outputs =
        reference::forward(model, test::golden_image(config.image_width, config.image_height));
    const auto expected = golden["outputs"].get<std::vector<double>>();
    REQUIRE(outputs.size() == expected.size());
    double largest = 0;
    for (const double value : expected)
      largest = std::max(largest, std::abs(value));
    for (std::size_t i = 0; i < expected.size(); ++i)
      CHECK(std::abs(static_cast<double>(outputs[i]) - expected[i]) < 2e-5 * largest);
  }
}

// What a tensor would be called elsewhere: where one of several is wanted, the message has the first.
std::string first_name(const std::string &name) {
  if (const std::size_t at = name.find(".rel_pos.relative_position_bias_table"); at != std::string::npos)
    return name.substr(0, at) + ".relative_position_bias_table";
  static const std::map<std::string, std::string> others{
      {"embeds.pos_embed_y", "embeds.pos_embed"},
      {"embeds.proj.weight", "patch_embed.proj.weight"},
      {"fc_norm.weight", "norm.weight"},
      {"rel_pos_bias.relative_position_bias_table", "blocks.0.attn.relative_position_bias_table"}};
  const auto found = others.find(name);
  return found == others.end() ? name : found->second;
}

TEST_CASE("whatever tensor of an architecture is missing, its name is in the message") {
  for (const json &golden : all_goldens()) {
    const test::WeightTensors tensors = golden_tensors(golden);
    for (const auto &[name, tensor] : tensors) {
      test::WeightTensors damaged = tensors;
      damaged.erase(name);
      CAPTURE(golden["name"], name);
      CHECK_THAT(refusal(golden, damaged),
                 Contains("tensor " + name + " is missing") || Contains("tensor " + first_name(name) + " is missing"));
    }
  }
}

TEST_CASE("whatever tensor of an architecture has another shape, its name is in the message") {
  for (const json &golden : all_goldens()) {
    const test::WeightTensors tensors = golden_tensors(golden);
    for (const auto &[name, tensor] : tensors) {
      test::WeightTensors damaged = tensors;
      damaged[name].shape.insert(damaged[name].shape.begin(), 1);
      CAPTURE(golden["name"], name);
      CHECK_THAT(refusal(golden, damaged), Contains("tensor " + name + " has shape [1, "));
    }
  }
}

TEST_CASE("whatever tensor an architecture does not have, its name is in the message") {
  for (const json &golden : all_goldens()) {
    const test::WeightTensors tensors = golden_tensors(golden);
    for (const char *name : {"extra", "blocks.0.attn.extra", "layers.0.blocks.0.extra", "head.extra"}) {
      test::WeightTensors damaged = tensors;
      damaged[name] = {{2}, {1, 2}};
      CAPTURE(golden["name"], name);
      CHECK_THAT(refusal(golden, damaged), Contains(std::string("tensor ") + name + " of shape [2] is unexpected"));
    }
  }
}

} // namespace intvit
