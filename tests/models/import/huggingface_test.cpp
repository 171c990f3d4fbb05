#include "models/import/huggingface.hpp"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "models/import/load.hpp"
#include "models/reference/forward.hpp"
#include "tests/models/import/transformers_folder.hpp"
#include "tests/support/data.hpp"
#include "tests/support/small_vit.hpp"
#include "tests/support/timm_tensors.hpp"
#include "tests/support/tiny_model.hpp"

using namespace intvit;
using namespace intvit::importer;
using namespace intvit::test;
using Catch::Contains;
using Catch::StartsWith;
using nlohmann::json;

TEST_CASE("transformers: a ViT's tensors and settings arrive where they belong") {
  const TransformersTensors tensors = vit_tensors();
  const HuggingFaceModel loaded = load_huggingface(transformers_folder(tensors, vit_config()));
  CHECK(loaded.recipe == squash_recipe(16, 16));
  const auto &model = std::get<VitModel>(loaded.model);
  CHECK(model.config.architecture == "vit");
  CHECK(model.config.layer_norm_eps == 1e-12);
  CHECK(model.config.heads == 2);
  CHECK(model.config.mlp_hidden == 10);
  CHECK(model.config.classes == 3);
  CHECK(model.config.prefix_tokens == 1);
  CHECK(model.config.pool == Pool::token);
  CHECK(model.config.mean == std::array<double, 3>{0.1, 0.2, 0.3});
  CHECK(model.config.std == std::array<double, 3>{0.4, 0.5, 0.6});
  CHECK(model.labels == std::vector<std::string>{"ant", "bee", "cat"});

  const VitWeights &weights = model.weights;
  const auto tensor = [&](const std::string &name) { return tensors.matrix(name); };
  CHECK(weights.patch_embed.weight == tensor("vit.embeddings.patch_embeddings.projection.weight"));
  const RowMatrix position = tensor("vit.embeddings.position_embeddings");
  CHECK(weights.position == position.bottomRows(4));
  CHECK(weights.prefix == tensor("vit.embeddings.cls_token") + position.topRows(1));
  REQUIRE(weights.blocks.size() == 2);
  const BlockWeights &block = weights.blocks[1];
  const std::string name = "vit.encoder.layer.1.";
  CHECK(block.norm1.weight == tensor(name + "layernorm_before.weight"));
  CHECK(block.qkv.weight.topRows(6) == tensor(name + "attention.attention.query.weight"));
  CHECK(block.qkv.weight.middleRows(6, 6) == tensor(name + "attention.attention.key.weight"));
  CHECK(block.qkv.weight.bottomRows(6) == tensor(name + "attention.attention.value.weight"));
  CHECK(block.qkv.bias.middleCols(6, 6) == tensor(name + "attention.attention.key.bias"));
  CHECK(block.proj.weight == tensor(name + "attention.output.dense.weight"));
  CHECK(block.norm2.bias == tensor(name + "layernorm_after.bias"));
  CHECK(block.fc1.weight == tensor(name + "intermediate.dense.weight"));
  CHECK(block.fc2.weight == tensor(name + "output.dense.weight"));
  CHECK(weights.norm.bias == tensor("vit.layernorm.bias"));
  CHECK(weights.head.weight == tensor("classifier.weight"));
  CHECK(weights.head.bias == tensor("classifier.bias"));
}

TEST_CASE("transformers: shards, half precision, no bias, features") {
  const Image image = random_images(1, 16, 16, 1).front();
  const auto logits = [&](const std::string &folder) {
    return reference::forward(load_huggingface(folder).model, image);
  };
  TransformersTensors tensors = vit_tensors();
  const std::vector<float> whole = logits(transformers_folder(tensors, vit_config()));
  CHECK(whole.size() == 3);

  const std::string folder = transformers_folder(tensors, vit_config());
  std::filesystem::remove(folder + "/model.safetensors");
  write_shards(tensors.all, folder, 3);
  CHECK(logits(folder) == whole);
  std::filesystem::remove(folder + "/model-2.safetensors");
  CHECK_THROWS_WITH(logits(folder), StartsWith(folder + "/model-2.safetensors: cannot open"));

  std::filesystem::remove(folder + "/model.safetensors.index.json");
  write_weights(tensors.all, folder + "/model.safetensors", DType::f16);
  CHECK(logits(folder)[0] == Approx(whole[0]).margin(0.02));

  for (auto &[name, tensor] : tensors.all)
    if (name.find("query.bias") != std::string::npos || name.find("key.bias") != std::string::npos ||
        name.find("value.bias") != std::string::npos)
      tensor.values.assign(6, 0);
  const std::vector<float> without_bias = logits(transformers_folder(tensors, vit_config()));
  std::erase_if(tensors.all, [](const auto &entry) {
    return entry.second.shape.size() == 1 && entry.first.find("attention.attention") != std::string::npos;
  });
  CHECK(logits(transformers_folder(tensors, changed(vit_config(), {{"qkv_bias", false}}))) == without_bias);

  TransformersTensors headless = vit_tensors("");
  headless.all.erase("classifier.weight");
  headless.all.erase("classifier.bias");
  headless.add_linear("pooler.dense", 6, 6);
  headless.add("embeddings.mask_token", {1, 1, 6});
  const HuggingFaceModel features =
      load_huggingface(transformers_folder(headless, changed(vit_config(), {{"architectures", {"ViTModel"}}})));
  CHECK(std::get<VitModel>(features.model).config.classes == 0);
  CHECK(labels(features.model).empty());
  CHECK(reference::forward(features.model, image).size() == 6);
}

TEST_CASE("transformers: the names that version 5 has inside, and a model under its classifier's names") {
  const auto renamed = [](TransformersTensors tensors, const std::vector<std::pair<std::string, std::string>> &names) {
    WeightTensors all;
    for (auto &[name, tensor] : tensors.all) {
      std::string to = name;
      for (const auto &[old_name, new_name] : names)
        if (const std::size_t at = to.find(old_name); at != std::string::npos)
          to.replace(at, old_name.size(), new_name);
      all[to] = tensor;
    }
    tensors.all = all;
    return tensors;
  };
  const auto outputs = [](const std::string &folder, int size) {
    return reference::forward(load_huggingface(folder).model, random_images(1, size, size, 1).front());
  };
  const std::vector<std::pair<std::string, std::string>> vit_names = {{"encoder.layer.", "layers."},
                                                                      {"attention.attention.query", "attention.q_proj"},
                                                                      {"attention.attention.key", "attention.k_proj"},
                                                                      {"attention.attention.value", "attention.v_proj"},
                                                                      {"attention.output.dense", "attention.o_proj"},
                                                                      {"intermediate.dense", "mlp.fc1"},
                                                                      {"output.dense", "mlp.fc2"}};
  const std::vector<float> logits = outputs(transformers_folder(vit_tensors(), vit_config()), 16);
  CHECK(outputs(transformers_folder(renamed(vit_tensors(), vit_names), vit_config()), 16) == logits);

  const std::vector<std::pair<std::string, std::string>> swin_names = {
      {"attention.self.query", "attention.q_proj"},
      {"attention.self.key", "attention.k_proj"},
      {"attention.self.value", "attention.v_proj"},
      {"attention.self.relative", "attention.relative_position_bias.relative"},
      {"attention.output.dense", "attention.o_proj"},
      {"intermediate.dense", "mlp.fc1"},
      {"output.dense", "mlp.fc2"}};
  const json swin_processor = changed(image_processor(), {{"size", 32}});
  CHECK(outputs(transformers_folder(renamed(swin_tensors(), swin_names), swin_config(), swin_processor), 32) ==
        outputs(transformers_folder(swin_tensors(), swin_config(), swin_processor), 32));

  // A classifier whose model has no name before its own, and a model that is saved with a classifier.
  CHECK(outputs(transformers_folder(renamed(vit_tensors(), {{"vit.", ""}}), vit_config()), 16) == logits);
  const json model = changed(vit_config(), {{"architectures", {"ViTModel"}}});
  TransformersTensors alone = renamed(vit_tensors(), {{"vit.", ""}});
  alone.all.erase("classifier.weight");
  alone.all.erase("classifier.bias");
  CHECK(outputs(transformers_folder(vit_tensors(), model), 16) == outputs(transformers_folder(alone, model), 16));
}

TEST_CASE("transformers: DeiT has a distillation token, with a teacher two heads") {
  TransformersTensors tensors = vit_tensors("deit.", 2);
  tensors.add("deit.embeddings.distillation_token", {1, 1, 6});
  const json deit_processor =
      changed(image_processor(), {{"image_processor_type", "DeiTImageProcessor"}, {"crop_size", 16}});
  const json config =
      changed(vit_config(), {{"model_type", "deit"}, {"architectures", {"DeiTForImageClassification"}}});
  const auto load = [&](const json &of) { // moved out, not referred to
    return std::get<VitModel>(load_huggingface(transformers_folder(tensors, of, deit_processor)).model);
  };
  const VitModel plain = load(config);
  CHECK(plain.config.pool == Pool::token);
  CHECK(plain.config.prefix_tokens == 2);
  const RowMatrix position = tensors.matrix("deit.embeddings.position_embeddings");
  CHECK(plain.weights.prefix.row(0) == tensors.matrix("deit.embeddings.cls_token") + position.row(0));
  CHECK(plain.weights.prefix.row(1) == tensors.matrix("deit.embeddings.distillation_token") + position.row(1));

  tensors.all.erase("classifier.weight");
  tensors.all.erase("classifier.bias");
  tensors.add_linear("cls_classifier", 3, 6);
  tensors.add_linear("distillation_classifier", 3, 6);
  const VitModel taught = load(changed(config, {{"architectures", {"DeiTForImageClassificationWithTeacher"}}}));
  CHECK(taught.config.pool == Pool::token_pair);
  CHECK(taught.weights.head.weight.leftCols(6) == tensors.matrix("cls_classifier.weight") * 0.5F);
  CHECK(taught.weights.head.weight.rightCols(6) == tensors.matrix("distillation_classifier.weight") * 0.5F);
}

namespace {

// A DINOv2 with two registers, for pictures of 32 x 32 pixels.
const json dinov2_config = {{"architectures", {"Dinov2WithRegistersModel"}},
                            {"model_type", "dinov2_with_registers"},
                            {"hidden_size", 6},
                            {"num_hidden_layers", 1},
                            {"num_attention_heads", 2},
                            {"mlp_ratio", 2},
                            {"image_size", 32},
                            {"patch_size", 8},
                            {"num_register_tokens", 2}};

TransformersTensors dinov2_tensors(const std::string &prefix = "") {
  TransformersTensors tensors;
  tensors.add(prefix + "embeddings.patch_embeddings.projection.weight", {6, 3, 8, 8});
  tensors.add(prefix + "embeddings.patch_embeddings.projection.bias", {6});
  tensors.add(prefix + "embeddings.cls_token", {1, 1, 6});
  tensors.add(prefix + "embeddings.mask_token", {1, 6});
  tensors.add(prefix + "embeddings.register_tokens", {1, 2, 6});
  tensors.add(prefix + "embeddings.position_embeddings", {1, 17, 6});
  const std::string name = prefix + "encoder.layer.0.";
  for (const char *part : {"query", "key", "value"})
    tensors.add_linear(name + "attention.attention." + part, 6, 6);
  tensors.add_linear(name + "attention.output.dense", 6, 6);
  tensors.add_norm(name + "norm1", 6);
  tensors.add_norm(name + "norm2", 6);
  tensors.add_linear(name + "mlp.fc1", 12, 6);
  tensors.add_linear(name + "mlp.fc2", 6, 12);
  tensors.add(name + "layer_scale1.lambda1", {6});
  tensors.add(name + "layer_scale2.lambda1", {6});
  tensors.add_norm(prefix + "layernorm", 6);
  return tensors;
}

} // namespace

TEST_CASE("transformers: DINOv2's classifier reads the class token and the mean of the patches") {
  TransformersTensors tensors = dinov2_tensors("dinov2_with_registers.");
  tensors.add_linear("classifier", 5, 12);
  json config = changed(dinov2_config, {{"architectures", {"Dinov2WithRegistersForImageClassification"}},
                                        {"id2label", {{"0", "a"}, {"1", "b"}, {"2", "c"}, {"3", "d"}, {"4", "e"}}}});
  const auto model = std::get<VitModel>(
      load_huggingface(transformers_folder(tensors, config, changed(image_processor(), {{"size", 32}}))).model);
  CHECK(model.config.pool == Pool::token_mean);
  CHECK(model.labels.size() == 5);

  struct LastNorm : reference::Observer {
    RowMatrix tokens;
    void observe(const reference::Site &site, const MatrixView &activation) override {
      if (site.kind == reference::SiteKind::final_output)
        tokens = activation;
    }
  } norm;
  const std::vector<float> logits = reference::forward(model, random_images(1, 32, 32, 4).front(), &norm);
  REQUIRE(norm.tokens.rows() == 1 + 2 + 16);
  const RowMatrix weight = tensors.matrix("classifier.weight");
  const RowMatrix bias = tensors.matrix("classifier.bias");
  for (Eigen::Index i = 0; i < 5; ++i) {
    double expected = static_cast<double>(bias(0, i));
    for (Eigen::Index c = 0; c < 6; ++c) {
      expected += static_cast<double>(weight(i, c) * norm.tokens(0, c));
      for (Eigen::Index patch = 0; patch < 16; ++patch)
        expected += static_cast<double>(weight(i, 6 + c) * norm.tokens(3 + patch, c)) / 16;
    }
    CHECK(static_cast<double>(logits[static_cast<std::size_t>(i)]) == Approx(expected).epsilon(1e-4).margin(1e-4));
  }
}

TEST_CASE("transformers: DINOv2's layer scales are folded, its positions resampled, its registers have none") {
  const json &config = dinov2_config;
  const TransformersTensors tensors = dinov2_tensors();
  const std::string name = "encoder.layer.0.";
  const auto load = [&](int size) {
    return std::get<VitModel>(
        load_huggingface(transformers_folder(tensors, config, changed(image_processor(), {{"size", size}}))).model);
  };
  const VitModel same = load(32);
  CHECK(same.config.layer_norm_eps == 1e-6);
  CHECK(same.config.prefix_tokens == 3);
  CHECK(same.weights.prefix.bottomRows(2) == tensors.matrix("embeddings.register_tokens"));
  CHECK(same.weights.position == tensors.matrix("embeddings.position_embeddings").bottomRows(16));
  const RowMatrix scale = tensors.matrix(name + "layer_scale2.lambda1");
  const RowMatrix fc2 = tensors.matrix(name + "mlp.fc2.weight");
  for (Eigen::Index i = 0; i < 6; ++i)
    CHECK(same.weights.blocks[0].fc2.weight.row(i) == fc2.row(i) * scale(0, i));

  // Whatever size the processor makes, positions are resampled once.
  const std::string at_16 = transformers_folder(tensors, config, changed(image_processor(), {{"size", 16}}));
  const ImportedModel own = load_float_model(at_16, {.image_size = 32});
  CHECK(std::get<VitModel>(own.model).weights.position == same.weights.position);
  CHECK(own.recipe == squash_recipe(32, 32));

  const VitModel smaller = load(16);
  CHECK(smaller.config.image_width == 16);
  CHECK(smaller.weights.position.rows() == 4);
  CHECK_THROWS_WITH(load(20), Contains("preprocessor_config.json: image height 20 is not a multiple of patch size 8"));
}

TEST_CASE("transformers: defaults of what config.json leaves out") {
  TransformersTensors tensors = vit_tensors();
  json config = vit_config();
  for (const char *key : {"architectures", "hidden_act", "num_channels", "qkv_bias", "layer_norm_eps"})
    config.erase(key);
  config["id2label"] = {{"0", "LABEL_0"}, {"1", "LABEL_1"}, {"2", "LABEL_2"}};
  const HuggingFaceModel loaded = load_huggingface(transformers_folder(tensors, config));
  CHECK(common_config(loaded.model).layer_norm_eps == 1e-12);
  CHECK(labels(loaded.model).empty()); // placeholders
  config.erase("id2label");
  CHECK_THROWS_WITH(load_huggingface(transformers_folder(tensors, config)),
                    Contains("has shape [3, 6], expected [2, 6]"));
}

TEST_CASE("load_float_model tells folders of timm and of transformers apart") {
  const std::string folder = transformers_folder(vit_tensors(), vit_config());
  CHECK(common_config(load_float_model(folder).model).architecture == "vit");
  CHECK_THROWS_WITH(load_float_model(folder, {.timm = {.architecture = "deit_tiny_patch16_224"}}),
                    StartsWith(folder + ": an architecture or number of heads cannot be given"));
  const ImportedModel larger = load_float_model(folder, {.image_size = 40});
  CHECK(larger.recipe == squash_recipe(40, 40));
  CHECK(std::get<VitModel>(larger.model).weights.position.rows() == 25);
  CHECK_THROWS_WITH(load_float_model(folder, {.image_size = 41}), Contains("41 is not a multiple of patch size 8"));

  // Without "model_type", config.json is timm's, which has no such tensors.
  write_text_file(folder + "/config.json", R"({"architecture": "vit_tiny_patch16_224"})");
  CHECK_THROWS_WITH(load_float_model(folder), Contains("tensor patch_embed.proj.weight is missing"));
}

TEST_CASE("transformers: what the outputs mean") {
  const auto kind_of = [](const json &patch) {
    return common_config(huggingface_config(changed(vit_config(), patch)).architecture).result_kind();
  };
  CHECK(kind_of(json::object()) == ResultKind::logits);
  CHECK(kind_of({{"problem_type", nullptr}}) == ResultKind::logits);
  CHECK(kind_of({{"problem_type", "single_label_classification"}}) == ResultKind::logits);
  CHECK(kind_of({{"problem_type", "multi_label_classification"}}) == ResultKind::labels);
  CHECK(kind_of({{"problem_type", "regression"}}) == ResultKind::scores);
  // A single output is a regression where nothing is said.
  const json one = {{"id2label", {{"0", "LABEL_0"}}}};
  CHECK(kind_of(one) == ResultKind::scores);
  CHECK(kind_of({{"id2label", nullptr}, {"num_labels", 1}}) == ResultKind::scores);
  CHECK(kind_of(changed(one, {{"problem_type", "single_label_classification"}})) == ResultKind::logits);
  CHECK(kind_of(changed(one, {{"problem_type", "multi_label_classification"}})) == ResultKind::labels);
  // Without a head it says nothing.
  CHECK(kind_of({{"architectures", {"ViTModel"}}, {"problem_type", "regression"}}) == ResultKind::embedding);
  CHECK(common_config(huggingface_config(changed(swin_config(), {{"problem_type", "regression"}})).architecture)
            .result_kind() == ResultKind::scores);
}

TEST_CASE("import: the caller can say what the outputs mean") {
  const std::string folder =
      transformers_folder(vit_tensors(), changed(vit_config(), {{"problem_type", "multi_label_classification"}}));
  const auto kind_of = [](const FloatModel &model) { return common_config(model).result_kind(); };
  CHECK(kind_of(load_float_model(folder).model) == ResultKind::labels);
  CHECK(kind_of(load_float_model(folder, {.head = ResultKind::logits}).model) == ResultKind::logits);
  CHECK(kind_of(load_float_model(folder, {.head = ResultKind::scores}).model) == ResultKind::scores);
  const std::string headless = empty_folder("headless");
  TransformersTensors tensors = vit_tensors("");
  tensors.all.erase("classifier.weight");
  tensors.all.erase("classifier.bias");
  write_weights(tensors.all, headless + "/model.safetensors");
  write_text_file(headless + "/config.json", changed(vit_config(), {{"architectures", {"ViTModel"}}}).dump());
  write_text_file(headless + "/preprocessor_config.json", image_processor().dump());
  CHECK(kind_of(load_float_model(headless).model) == ResultKind::embedding);
  CHECK_THROWS_WITH(load_float_model(headless, {.head = ResultKind::labels}),
                    headless + ": has no head, so its outputs are features and not labels");
}
