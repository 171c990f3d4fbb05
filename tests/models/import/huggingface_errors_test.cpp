#include "models/import/huggingface.hpp"

#include <filesystem>
#include <functional>
#include <random>

#include <catch2/catch.hpp>

#include "models/import/load.hpp"
#include "tests/models/import/transformers_folder.hpp"
#include "tests/support/data.hpp"

using namespace intvit;
using namespace intvit::importer;
using namespace intvit::test;
using Catch::Contains;
using Catch::StartsWith;
using nlohmann::json;

TEST_CASE("transformers: folders at odds with themselves are refused") {
  const auto refused = [](const std::function<void(TransformersTensors &, json &, json &)> &change,
                          const std::string &message) {
    TransformersTensors tensors = vit_tensors();
    json config = vit_config();
    json preprocessor = image_processor();
    change(tensors, config, preprocessor);
    const std::string folder = transformers_folder(tensors, config, preprocessor);
    CHECK_THROWS_WITH(load_huggingface(folder), StartsWith(folder + "/") && Contains(message));
  };
  const auto refused_config = [&](const json &patch, const std::string &message) {
    CAPTURE(patch);
    refused([&](TransformersTensors &, json &config, json &) { config.update(patch); }, "config.json: " + message);
  };
  const auto refused_tensors = [&](const std::function<void(WeightTensors &)> &change, const std::string &message) {
    refused([&](TransformersTensors &tensors, json &, json &) { change(tensors.all); },
            "model.safetensors: " + message);
  };
  refused_tensors([](auto &t) { t.erase("vit.encoder.layer.1.layernorm_after.bias"); },
                  "tensor vit.encoder.layer.1.layernorm_after.bias is missing, expected shape [6]");
  refused_tensors(
      [](auto &t) {
        t["vit.encoder.layer.2.layernorm_after.bias"] = {{6}, std::vector<float>(6)};
      },
      "tensor vit.encoder.layer.2.layernorm_after.bias of shape [6] is unexpected: config.json describes a "
      "vit without it");
  refused_tensors(
      [](auto &t) {
        t["vit.embeddings.cls_token"].shape = {1, 6};
      },
      "tensor vit.embeddings.cls_token has shape [1, 6], expected [1, 1, 6]");
  refused_tensors([](auto &t) { t["classifier.bias"].values[1] = std::nanf(""); },
                  "tensor classifier.bias holds NaN at element 1");
  refused([](TransformersTensors &, json &config, json &) { config["hidden_size"] = 12; },
          "model.safetensors: tensor vit.embeddings.patch_embeddings.projection.weight has shape [6, 3, 8, 8], "
          "expected [12, 3, 8, 8]");
  refused_config(
      {{"model_type", "resnet"}},
      "\"model_type\" is \"resnet\"; can be imported: vit, deit, swin, swinv2, dinov2, dinov2_with_registers, "
      "vit_mae, vit_msn, ijepa, dinov3_vit, beit, data2vec-vision, clip, clip_vision_model, siglip, "
      "siglip_vision_model");
  refused_config({{"model_type", 3}}, "\"model_type\" must be a string, is 3");
  refused_config({{"model_type", nullptr}}, "\"model_type\" is missing");
  refused_config({{"architectures", {"ViTForMaskedImageModeling"}}},
                 "\"architectures\" is [\"ViTForMaskedImageModeling\"]; can be imported: ViTForImageClassification, "
                 "ViTModel");
  refused_config({{"architectures", {1}}}, "\"architectures\" must be a string, is 1");
  refused_config({{"architectures", "ViTModel"}}, "\"architectures\" must be a list of 1");
  refused_config({{"hidden_act", "relu"}}, "\"hidden_act\" is \"relu\"; gelu, quick_gelu, gelu_pytorch_tanh and silu");
  refused_config({{"problem_type", "ordinal"}}, "\"problem_type\" is \"ordinal\"; can be imported: "
                                                "single_label_classification, multi_label_classification, regression");
  refused_config({{"problem_type", 1}}, "\"problem_type\" must be a string, is 1");
  refused_config({{"num_channels", 4}}, "\"num_channels\" is 4; only models of RGB (3) and of grey pictures (1)");
  refused([](TransformersTensors &, json &config, json &) { config["num_channels"] = 1; },
          "model.safetensors: tensor vit.embeddings.patch_embeddings.projection.weight has shape [6, 3, 8, 8], "
          "expected [6, 1, 8, 8]");
  refused_config({{"num_attention_heads", 4}}, "embedding dimension 6 is not a multiple of number of heads 4");
  refused_config({{"head_dim", 8}}, "\"head_dim\" is 8");
  refused_config({{"patch_size", {8, 4}}}, "\"patch_size\" is [8,4]; only square patches");
  refused_config({{"image_size", 20}}, "image height 20 is not a multiple of patch size 8");
  refused_config({{"image_size", 1e18}}, "\"image_size\" must be a positive integer");
  refused_config({{"num_hidden_layers", 1000000}}, "depth is 1000000, must be 1 to 1024");
  refused_config({{"hidden_size", -1}}, "\"hidden_size\" must be a positive integer, is -1");
  refused_config({{"layer_norm_eps", "small"}}, "\"layer_norm_eps\" must be a number, is \"small\"");
  refused_config({{"layer_norm_eps", 0}}, "LayerNorm eps is 0.0");
  refused_config({{"qkv_bias", 1}}, "\"qkv_bias\" must be true or false, is 1");
  refused_config({{"id2label", json::array()}}, "\"id2label\" is empty");
  refused_config({{"id2label", json::object()}}, "\"id2label\" is empty");
  refused_config({{"id2label", {{"0", "a"}, {"1", "b"}, {"3", "c"}}}}, "\"id2label\" has 3 entries, but the key \"3\"");
  refused_config({{"id2label", {{"0", "a"}, {"1", "b"}, {"02", "c"}}}},
                 "\"id2label\" has 3 entries, but the key \"02\"");
  refused_config({{"id2label", {{"0", "a"}, {"1", {5}}, {"2", "c"}}}}, "\"id2label.1\" must be a string, is [5]");
  refused_config({{"id2label", "cat"}}, "\"id2label\" must be a list of names or an object, is \"cat\"");
  refused(
      [](TransformersTensors &, json &config, json &) {
        config["id2label"] = {{"0", "a"}, {"1", "b"}};
      },
      "model.safetensors: tensor classifier.weight has shape [3, 6], expected [2, 6]");
  refused([](TransformersTensors &, json &, json &preprocessor) { preprocessor["size"] = 24; },
          "preprocessor_config.json: gives pictures of 24 x 24 pixels, but \"image_size\" of config.json is 16 x 16");
  refused(
      [](TransformersTensors &, json &, json &preprocessor) {
        preprocessor["image_std"] = {0, 1, 1};
      },
      "preprocessor_config.json: std is 0.0");

  const std::string folder = transformers_folder(vit_tensors(), vit_config());
  std::filesystem::remove(folder + "/preprocessor_config.json");
  CHECK_THROWS_WITH(load_huggingface(folder),
                    StartsWith(folder + "/preprocessor_config.json: is missing, and nothing else tells"));
}

TEST_CASE("transformers: damaged JSON files give an error that names the file, or the model") {
  const TransformersTensors tensors = vit_tensors();
  const std::string folder = transformers_folder(tensors, vit_config());
  std::filesystem::remove(folder + "/model.safetensors");
  write_shards(tensors.all, folder, 2);
  std::mt19937 generator(5);
  const auto below = [&](std::size_t limit) { return generator() % limit; };
  const std::vector<std::string> pieces = {
      "[",       "{",    "}", "\"", "null", "-1",   "1e999", "99999999999999999999",
      "\\u0000", "\xff", ",", ":",  "[[[[", "true", "0.5",   "{\"a\":"};
  int refused = 0;
  for (const char *file : {"config.json", "preprocessor_config.json", "model.safetensors.index.json"}) {
    const std::string path = folder + "/" + file;
    const std::string whole = read_text_file(path);
    for (int round = 0; round < 400; ++round) {
      std::string damaged = whole;
      for (std::size_t i = below(3) + 1; i > 0 && !damaged.empty(); --i) {
        const std::size_t at = below(damaged.size());
        switch (below(3)) {
        case 0:
          damaged[at] = static_cast<char>(below(256));
          break;
        case 1:
          damaged.erase(at, below(12) + 1);
          break;
        default:
          damaged.insert(at, pieces[below(pieces.size())]);
        }
      }
      write_text_file(path, damaged);
      try {
        const ImportedModel model = load_float_model(folder);
      } catch (const std::runtime_error &error) {
        ++refused;
        CAPTURE(damaged);
        CHECK_THAT(error.what(), StartsWith(folder));
      }
    }
    write_text_file(path, whole);
  }
  CHECK(refused > 800);
  CHECK_NOTHROW(load_float_model(folder));
}
