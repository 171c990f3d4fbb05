#include <array>
#include <catch2/catch.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <torch/torch.h>

#include "tests/support/data.hpp"
#include "tests/support/small_vit.hpp"
#include "tests/train/small_data.hpp"
#include "train/weights.hpp"

using namespace intvit;
using namespace intvit::test;
using namespace intvit::train;

namespace {

VitConfig tiny(int classes) {
  return small_vit_config(
      {.height = 8, .width = 8, .patch = 4, .channels = 8, .depth = 1, .heads = 2, .hidden = 12, .classes = classes});
}

// Writes a model's files into a folder of that name and returns the folder.
std::string written(const std::string &name, const Vit &vit) {
  const std::string folder = temporary_file(name);
  std::filesystem::create_directories(folder);
  VitConfig config = vit.config();
  config.mean = {0.4914, 0.4822, 0.4465};
  config.std = {0.247, 0.2435, 0.26};
  config.crop_pct = 1;
  write_model(folder, config, vit.parameters(), {"cat", "dog"});
  return folder;
}

} // namespace

TEST_CASE("a written model has timm's names and shapes, in float32") {
  const Vit vit(tiny(2), 3);
  const SafetensorsFile file = open_safetensors(written("export", vit) + "/model.safetensors");
  const std::vector<std::pair<std::string, std::vector<std::int64_t>>> expected = {
      {"cls_token", {1, 1, 8}},
      {"pos_embed", {1, 5, 8}},
      {"patch_embed.proj.weight", {8, 3, 4, 4}},
      {"patch_embed.proj.bias", {8}},
      {"blocks.0.norm1.weight", {8}},
      {"blocks.0.norm1.bias", {8}},
      {"blocks.0.attn.qkv.weight", {24, 8}},
      {"blocks.0.attn.qkv.bias", {24}},
      {"blocks.0.attn.proj.weight", {8, 8}},
      {"blocks.0.attn.proj.bias", {8}},
      {"blocks.0.norm2.weight", {8}},
      {"blocks.0.norm2.bias", {8}},
      {"blocks.0.mlp.fc1.weight", {12, 8}},
      {"blocks.0.mlp.fc1.bias", {12}},
      {"blocks.0.mlp.fc2.weight", {8, 12}},
      {"blocks.0.mlp.fc2.bias", {8}},
      {"norm.weight", {8}},
      {"norm.bias", {8}},
      {"head.weight", {2, 8}},
      {"head.bias", {2}},
  };
  CHECK(file.tensors().size() == expected.size());
  for (const auto &[name, shape] : expected) {
    INFO(name);
    const TensorView *view = file.find(name);
    REQUIRE(view != nullptr);
    CHECK(view->shape == shape);
    CHECK(view->dtype == DType::f32);
  }
}

TEST_CASE("the config beside it is timm's, with the labels") {
  const Bytes text = test::read_file(written("config", Vit(tiny(2), 3)) + "/config.json");
  const auto config = nlohmann::json::parse(text);
  CHECK(config == nlohmann::json::parse(R"({
    "architecture": "vit_custom", "num_classes": 2,
    "model_args": {"img_size": 8, "patch_size": 4, "embed_dim": 8, "depth": 1, "num_heads": 2, "mlp_ratio": 1.5},
    "pretrained_cfg": {"input_size": [3, 8, 8], "mean": [0.4914, 0.4822, 0.4465], "std": [0.247, 0.2435, 0.26],
                       "crop_pct": 1.0, "interpolation": "bicubic"},
    "label_names": ["cat", "dog"]})"));
}

TEST_CASE("weights are read back, all but a head for other classes") {
  const Vit source(tiny(2), 3);
  const std::string path = written("source", source) + "/model.safetensors";
  const Vit same(tiny(2), 4);
  read_weights(path, same.config(), same.parameters());
  for (std::size_t i = 0; i < source.parameters().size(); ++i)
    CHECK(torch::equal(same.parameters()[i].value, source.parameters()[i].value));

  const Vit other(tiny(5), 4);
  const torch::Tensor head = Vit(tiny(5), 4).parameters()[18].value;
  read_weights(path, other.config(), other.parameters());
  CHECK(torch::equal(other.parameters()[1].value, source.parameters()[1].value));
  REQUIRE(other.parameters()[18].name == "head.weight");
  CHECK(torch::equal(other.parameters()[18].value, head));
}

TEST_CASE("weights that do not fit are refused by name") {
  const auto unfit = [](const std::string &file, const VitConfig &config) {
    return message_of([&] { read_weights(file, config, Vit(config, 0).parameters()); });
  };
  const std::string path = written("unfit", Vit(tiny(2), 3)) + "/model.safetensors";
  VitConfig wider = tiny(2);
  wider.mlp_hidden = 16;
  CHECK(unfit(path, wider) == path + ": blocks.0.mlp.fc1.weight has shape [12,8], the model needs [16,8]");
  VitConfig deeper = tiny(2);
  deeper.depth = 2;
  CHECK(unfit(path, deeper) == path + ": has no tensor blocks.1.norm1.weight");
  const std::string missing = temporary_file("no-weights.safetensors");
  CHECK_THAT(unfit(missing, tiny(2)), Catch::StartsWith(missing + ": "));

  SafetensorsWriter writer;
  const std::array<std::byte, 16> zeros{};
  REQUIRE(writer.add_tensor("cls_token", DType::f16, {1, 1, 8}, zeros).ok());
  const std::string half = temporary_file("half.safetensors");
  REQUIRE(writer.write(half).ok());
  CHECK(unfit(half, tiny(2)) == half + ": cls_token is not float32");
}
