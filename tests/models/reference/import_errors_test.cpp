// Files and folders of timm's that are refused, and how.
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/container/safetensors.hpp"
#include "models/import/timm.hpp"
#include "tests/models/reference/timm_files.hpp"
#include "tests/support/data.hpp"
#include "tests/support/small_vit.hpp"
#include "tests/support/timm_tensors.hpp"

namespace intvit {

using Catch::Contains;
using Catch::EndsWith;
using Catch::StartsWith;

namespace {

using test::encode;
using test::file_of;
using test::folder_of;
using test::small_config;
using test::timm_tensors;
using test::two_heads;
using Tensors = test::WeightTensors;

} // namespace

TEST_CASE("damaged weights are refused with the file, the tensor and the shapes") {
  const auto refused = [](const std::function<void(Tensors &)> &damage, const std::string &message) {
    Tensors tensors = timm_tensors(random_weights(small_config(), 4));
    damage(tensors);
    const std::string path = file_of(tensors);
    CHECK_THROWS_WITH(load_timm(path, two_heads()), path + ": " + message);
  };
  refused([](Tensors &t) { t.erase("blocks.1.norm2.bias"); },
          "tensor blocks.1.norm2.bias is missing, expected shape [6]");
  refused([](Tensors &t) { t.erase("pos_embed"); },
          "tensor pos_embed is missing: not a model under timm's names that can be imported");
  refused(
      [](Tensors &t) {
        t["neck.weight"] = {{6}, std::vector<float>(6)};
      },
      "tensor neck.weight of shape [6] is unexpected: not part of a model that can be imported");
  refused(
      [](Tensors &t) {
        t["blocks.0.attn.proj.weight"].shape = {4, 9};
      },
      "tensor blocks.0.attn.proj.weight has shape [4, 9], expected [6, 6]");
  refused(
      [](Tensors &t) {
        t["pos_embed"].shape = {5, 6};
      },
      "tensor pos_embed has shape [5, 6], must have 3 dimensions");
  refused(
      [](Tensors &t) {
        t["head.weight"] = {{0, 6}, {}};
      },
      "tensor head.weight has shape [0, 6], which no model has");
  refused([](Tensors &t) { t["norm.weight"].values[4] = std::nanf(""); }, "tensor norm.weight holds NaN at element 4");
  refused([](Tensors &t) { t["head.bias"].values[2] = -std::numeric_limits<float>::infinity(); },
          "tensor head.bias holds infinity at element 2");
  for (const float value : {3e38F, -1e30F, 1.1e15F})
    refused([value](Tensors &t) { t["head.bias"].values[2] = value; },
            "tensor head.bias holds a number beyond 1e15, which is too large to compute with, at element 2");
  refused(
      [](Tensors &t) {
        t["pos_embed"] = {{1, 7, 6}, std::vector<float>(42)};
      },
      "tensor pos_embed has 7 positions, which is no square of patches beside 1 other tokens: give the image size as "
      "model_args.img_size in config.json");
  refused(
      [](Tensors &t) {
        t["patch_embed.proj.weight"].shape = {6, 4, 4, 3};
      },
      "tensor patch_embed.proj.weight has shape [6, 4, 4, 3], expected [6, 3, 4, 4]");
  refused(
      [](Tensors &t) {
        t["blocks.4000.norm1.bias"] = {{6}, std::vector<float>(6)};
      },
      "depth is 4001, must be 1 to 1024");
}

TEST_CASE("weights of a type that is not floating point are refused") {
  SafetensorsWriter writer;
  for (const auto &[name, tensor] : timm_tensors(random_weights(small_config(), 5)))
    REQUIRE(writer.add_tensor(name, DType::i32, tensor.shape, encode(tensor.values, DType::f32)).ok());
  const std::string path = test::temporary_file("integers.safetensors");
  REQUIRE(writer.write(path).ok());
  CHECK_THROWS_WITH(load_timm(path, two_heads()),
                    path + ": tensor patch_embed.proj.weight has type I32, must be F32, F16 or BF16");
}

TEST_CASE("what the weights do not tell and nobody says is refused") {
  const std::string path = file_of(timm_tensors(random_weights(small_config(), 6)));
  CHECK_THROWS_WITH(load_timm(path), StartsWith(path + ": the number of attention heads is unknown"));
  CHECK_THROWS_WITH(load_timm(path, {.architecture = {}, .heads = 4}),
                    path + ": embedding dimension 6 is not a multiple of number of heads 4");
  CHECK_THROWS_WITH(load_timm(path, {.architecture = "resnet50", .heads = 0}),
                    Contains("unknown architecture \"resnet50\"; known are:"));
  CHECK_THROWS_WITH(load_timm("/nowhere/weights.safetensors"), StartsWith("/nowhere/weights.safetensors: "));
}

TEST_CASE("a config.json that contradicts the weights or asks for another architecture is refused") {
  const Tensors tensors = timm_tensors(random_weights(small_config(), 7));
  const auto refused = [&](const std::string &json, const std::string &message) {
    CAPTURE(json);
    CHECK_THROWS_WITH(load_timm(folder_of(tensors, json), two_heads()),
                      StartsWith(test::temporary_file("hub") + "/") && Contains(message));
  };
  const auto refused_args = [&](const std::string &args, const std::string &message) {
    refused(R"({"model_args": {)" + args + "}}", message);
  };
  refused("{", "parse error");
  refused("[]", "must be a JSON object, is []");
  refused(R"({"architecture": "vit_tiny_patch16_224"})",
          "patch size is 4 by the tensors, but 16 by architecture vit_tiny_patch16_224");
  refused(R"({"architecture": 5})", "\"architecture\" must be a string, is 5");
  refused(R"({"num_classes": 10})", "number of classes is 3 by the tensors, but 10 by ");
  refused(R"({"num_classes": -1})", "\"num_classes\" must be a positive integer, is -1");
  refused(R"({"global_pool": "avgmax"})",
          "\"global_pool\" is \"avgmax\"; only models that classify by the class token");
  refused(R"({"global_pool": "map"})", "tensor attn_pool.mlp.fc1.weight is missing");
  refused(R"({"label_names": ["cat"]})", "1 label_names in ");
  refused(R"({"label_names": "cat"})", "\"label_names\" must be a list of names or an object, is \"cat\"");
  refused_args(R"("depth": 3)", "depth is 2 by the tensors, but 3 by ");
  refused_args(R"("embed_dim": 12)", "embedding dimension is 6 by the tensors, but 12 by ");
  refused_args(R"("mlp_ratio": 2)", "MLP hidden dimension is 24 by the tensors, but 12 by ");
  refused_args(R"("img_size": 12)", "tensor pos_embed has shape [1, 5, 6], expected [1, 10, 6]");
  refused_args(R"("img_size": [8])", "\"model_args.img_size\" must be a list of 2, is [8]");
  refused_args(R"("patch_size": [4, 8])", "\"model_args.patch_size\" is [4,8]; only squares can be imported");
  refused_args(R"("qk_norm": true)", "\"model_args.qk_norm\" is not supported (value true)");
  refused_args(R"("pre_norm": true)", "tensor norm_pre.weight is missing");
  refused_args(R"("init_values": 1e-5)", "number of layer scales in a block is 0 by the tensors, but 2 by ");
  refused_args(R"("act_layer": "relu")", "\"model_args.act_layer\" is \"relu\"; \"gelu\", \"gelu_tanh\",");
  refused_args(R"("pool_include_prefix": true)", "\"model_args.pool_include_prefix\" is true");
  refused_args(R"("in_chans": 1)", "number of channels of pictures is 3 by the tensors, but 1 by ");
  refused(R"({"pretrained_cfg": {"mean": [0.5, 0.4]}})", "\"pretrained_cfg.mean\" must be a list of 3, is [0.5,0.4]");
  refused(R"({"pretrained_cfg": {"std": [0.5, 0.5, 0]}})", "std is 0.0");
  refused(R"({"pretrained_cfg": {"crop_pct": "all"}})", "\"pretrained_cfg.crop_pct\" must be a number, is \"all\"");
  refused(R"({"pretrained_cfg": {"crop_mode": "border"}})",
          "\"pretrained_cfg.crop_mode\" is \"border\"; \"center\" and \"squash\" can be followed");
  refused(R"({"pretrained_cfg": {"interpolation": "nearest"}})", "interpolation \"nearest\" is not supported");

  const std::string path = folder_of(tensors, "{}");
  std::filesystem::remove(path + "/config.json");
  CHECK_THROWS_WITH(load_timm(path, two_heads()), path + "/config.json: cannot open: No such file or directory");
}

TEST_CASE("networks of timm's that compute something else are refused by their name or by their tensors") {
  const Tensors tensors = timm_tensors(random_weights(small_config(), 8));
  const auto refused = [&](const std::string &name, const std::string &message) {
    const std::string json = R"({"architecture": ")" + name + R"(", "model_args": {"num_heads": 2}})";
    CHECK_THROWS_WITH(load_timm(folder_of(tensors, json)),
                      EndsWith("architecture \"" + name + "\" has " + message + ", which cannot be imported"));
  };
  refused("vit_small_patch16_rpn_224", "norms behind the branches of a block");
  refused("cait_s24_224", "attention whose heads are mixed");
  CHECK_NOTHROW(load_timm(folder_of(tensors, R"({"architecture": "mine", "model_args": {"num_heads": 2}})")));
  CHECK_THROWS_WITH(load_timm(file_of(tensors), {.architecture = "vit_small_patch16_rpn_224", .heads = 0}),
                    Contains("norms behind the branches"));

  const auto refused_tensor = [&](const std::string &name, const std::string &message) {
    Tensors with = tensors;
    with[name] = {{2}, {1, 2}};
    CHECK_THROWS_WITH(load_timm(file_of(with), two_heads()),
                      EndsWith("tensor " + name + " tells that " + message + ", which cannot be imported"));
  };
  refused_tensor("blocks.0.attn.q_norm.weight", "queries and keys are normalized");
  refused_tensor("blocks.1.attn.lambda_k1", "attention is differential");
  refused_tensor("blocks.0.attn.rel_pos_h", "attention within windows has relative positions");
  refused_tensor("layers.0.blocks.0.attn.meta_mlp.fc1.weight", "position biases are a network of another form");

  Tensors infrared = tensors;
  infrared["patch_embed.proj.weight"] = {{6, 4, 4, 4}, std::vector<float>(384)};
  CHECK_THROWS_WITH(load_timm(file_of(infrared), two_heads()),
                    EndsWith("the model takes pictures of 4 channels; only models of RGB (3) and of grey pictures (1) "
                             "can be imported"));
}

TEST_CASE("an architecture in config.json that nobody knows is refused unless the heads are given") {
  const Tensors tensors = timm_tensors(random_weights(small_config(), 8));
  CHECK_THROWS_WITH(load_timm(folder_of(tensors, R"({"architecture": "vit_mine"})")),
                    Contains("unknown architecture \"vit_mine\"; known are:"));
}

} // namespace intvit
