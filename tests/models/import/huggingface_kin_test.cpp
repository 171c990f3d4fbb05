#include "models/import/huggingface.hpp"

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

TEST_CASE("transformers: ViT-MSN, ViT-MAE and I-JEPA are ViTs") {
  const Image image = random_images(1, 16, 16, 1).front();
  const auto outputs = [&](const TransformersTensors &tensors, const json &config) {
    return reference::forward(load_huggingface(transformers_folder(tensors, config)).model, image);
  };
  const std::vector<float> logits = outputs(vit_tensors(), vit_config());
  CHECK(outputs(vit_tensors(), changed(vit_config(), {{"model_type", "vit_msn"},
                                                      {"architectures", {"ViTMSNForImageClassification"}}})) == logits);

  const json model = changed(vit_config(), {{"architectures", {"ViTModel"}}});
  TransformersTensors alone = vit_tensors("");
  alone.all.erase("classifier.weight");
  alone.all.erase("classifier.bias");
  const std::vector<float> features = outputs(alone, model);
  json mae = changed(model, {{"model_type", "vit_mae"}, {"architectures", {"ViTMAEModel"}}});
  CHECK(outputs(alone, mae) == features);
  TransformersTensors trained = vit_tensors();
  trained.all.erase("classifier.weight");
  trained.all.erase("classifier.bias");
  trained.add_linear("decoder.decoder_embed", 4, 6);
  mae["architectures"] = {"ViTMAEForPreTraining"};
  trained.all.at("vit.embeddings.cls_token") = alone.all.at("embeddings.cls_token");
  CHECK(outputs(trained, mae).size() == 6);
  mae["architectures"] = {"ViTModel"};
  CHECK_THROWS_WITH(outputs(alone, mae), Contains("can be imported: ViTMAEModel, ViTMAEForPreTraining"));

  TransformersTensors ijepa = vit_tensors("ijepa.", 0);
  ijepa.all.erase("ijepa.embeddings.cls_token");
  const json config =
      changed(vit_config(), {{"model_type", "ijepa"}, {"architectures", {"IJepaForImageClassification"}}});
  const HuggingFaceModel loaded = load_huggingface(transformers_folder(ijepa, config));
  CHECK(std::get<VitModel>(loaded.model).config.pool == Pool::normed_mean);
  CHECK(std::get<VitModel>(loaded.model).config.prefix_tokens == 0);
  CHECK(reference::forward(loaded.model, image).size() == 3);
}

TEST_CASE("transformers: a folder around a model of timm's is one of timm's") {
  const std::string folder = empty_folder("wrapper");
  WeightTensors tensors;
  for (const auto &[name, tensor] : timm_tensors(random_weights(
           small_vit_config(
               {.height = 8, .width = 8, .patch = 4, .channels = 6, .depth = 1, .hidden = 5, .classes = 3}),
           5)))
    tensors["timm_model." + name] = tensor;
  json config = {{"model_type", "timm_wrapper"},
                 {"architectures", {"TimmWrapperForImageClassification"}},
                 {"architecture", "mine"},
                 {"model_args", {{"num_heads", 2}}},
                 {"num_classes", 3},
                 {"label_names", {"LABEL_0", "LABEL_1", "LABEL_2"}}};
  const auto load = [&] {
    write_weights(tensors, folder + "/model.safetensors");
    write_text_file(folder + "/config.json", config.dump());
    return load_float_model(folder).model;
  };
  const FloatModel model = load();
  CHECK(outputs(model) == 3);
  CHECK(labels(model).empty());
  config["problem_type"] = "multi_label_classification";
  config["label_names"] = {"ant", "bee", "cat"};
  CHECK(common_config(load()).result_kind() == ResultKind::labels);
  CHECK(labels(load()).size() == 3);
  config["architectures"] = {"TimmWrapperModel"};
  tensors.erase("timm_model.head.weight");
  tensors.erase("timm_model.head.bias");
  CHECK(common_config(load()).result_kind() == ResultKind::embedding);
  config["architectures"] = {"TimmBackbone"};
  CHECK_THROWS_WITH(load(), Contains("can be imported: TimmWrapperForImageClassification, TimmWrapperModel"));
}

namespace {

// Of 16 x 16 pixels in patches of 8, 6 channels, one block of 2 heads.
TransformersTensors beit_tensors(const std::string &prefix, bool renamed) {
  TransformersTensors tensors;
  tensors.add(prefix + "embeddings.patch_embeddings.projection.weight", {6, 3, 8, 8});
  tensors.add(prefix + "embeddings.patch_embeddings.projection.bias", {6});
  tensors.add(prefix + "embeddings.cls_token", {1, 1, 6});
  const std::string name = prefix + (renamed ? "layers.0." : "encoder.layer.0.");
  const auto linear = [&](const std::string &renamed_name, const std::string &old, int outputs, int inputs) {
    tensors.add_linear(name + (renamed ? renamed_name : old), outputs, inputs);
  };
  tensors.add_norm(name + "layernorm_before", 6);
  linear("attention.q_proj", "attention.attention.query", 6, 6);
  linear("attention.k_proj", "attention.attention.key", 6, 6);
  tensors.all.erase(name + (renamed ? "attention.k_proj" : "attention.attention.key") + ".bias");
  linear("attention.v_proj", "attention.attention.value", 6, 6);
  linear("attention.o_proj", "attention.output.dense", 6, 6);
  tensors.add_norm(name + "layernorm_after", 6);
  linear("mlp.fc1", "intermediate.dense", 10, 6);
  linear("mlp.fc2", "output.dense", 6, 10);
  tensors.add(name + "lambda_1", {6});
  tensors.add(name + "lambda_2", {6});
  tensors.add(name + (renamed ? "" : "attention.attention.") + "relative_position_bias.relative_position_bias_table",
              {12, 2});
  tensors.add_norm(prefix + "pooler.layernorm", 6);
  return tensors;
}

const json beit_config = {{"architectures", {"BeitForImageClassification"}},
                          {"model_type", "beit"},
                          {"hidden_size", 6},
                          {"num_hidden_layers", 1},
                          {"num_attention_heads", 2},
                          {"intermediate_size", 10},
                          {"image_size", 16},
                          {"patch_size", 8},
                          {"use_relative_position_bias", true},
                          {"id2label", {{"0", "a"}, {"1", "b"}, {"2", "c"}}}};

} // namespace

TEST_CASE("transformers: BEiT's position biases, layer scales and pooling") {
  const auto load = [](const TransformersTensors &tensors, const json &config) {
    return std::get<VitModel>(load_huggingface(transformers_folder(tensors, config)).model);
  };
  TransformersTensors tensors = beit_tensors("beit.", false);
  tensors.add_linear("classifier", 3, 6);
  const VitModel model = load(tensors, beit_config);
  CHECK(model.config.pool == Pool::mean);
  CHECK(model.config.layer_norm_eps == 1e-12);
  CHECK_FALSE(model.config.positions);
  CHECK(model.config.position_bias);
  CHECK(model.weights.position.isZero());
  const BlockWeights &block = model.weights.blocks[0];
  const std::string name = "beit.encoder.layer.0.";
  CHECK(block.qkv.bias.segment(6, 6).isZero());
  CHECK_FALSE(block.qkv.bias.head(6).isZero());
  CHECK(block.position_bias ==
        tensors.matrix(name + "attention.attention.relative_position_bias.relative_position_bias_table").transpose());
  CHECK(block.proj.weight.row(2) ==
        tensors.matrix(name + "attention.output.dense.weight").row(2) * tensors.matrix(name + "lambda_1")(0, 2));

  // What all blocks share is added to their own; a position embedding may be there too; the head may read the token.
  TransformersTensors more = tensors;
  more.add("beit.encoder.relative_position_bias.relative_position_bias_table", {12, 2});
  more.add("beit.embeddings.position_embeddings", {1, 5, 6});
  more.all.erase("beit.pooler.layernorm.weight");
  more.all.erase("beit.pooler.layernorm.bias");
  more.add_norm("beit.layernorm", 6);
  const VitModel other = load(more, changed(beit_config, {{"use_shared_relative_position_bias", true},
                                                          {"use_absolute_position_embeddings", true},
                                                          {"use_mean_pooling", false}}));
  CHECK(other.config.pool == Pool::token);
  CHECK(other.weights.position == more.matrix("beit.embeddings.position_embeddings").bottomRows(4));
  const RowMatrix shared = more.matrix("beit.encoder.relative_position_bias.relative_position_bias_table").transpose();
  CHECK(other.weights.blocks[0].position_bias == block.position_bias + shared);

  // Data2Vec is one under another name; its model alone under transformers 5's names.
  const json data2vec =
      changed(beit_config, {{"model_type", "data2vec-vision"}, {"architectures", {"Data2VecVisionModel"}}});
  const VitModel features = load(beit_tensors("", true), data2vec);
  CHECK(features.config.classes == 0);
  CHECK(features.weights.blocks[0].position_bias.cols() == 12);

  const auto refused = [&](const json &change, const std::string &message) {
    CHECK_THROWS_WITH(load(tensors, changed(beit_config, change)), Contains(message));
  };
  refused({{"architectures", {"BeitForMaskedImageModeling"}}},
          "can be imported: BeitForImageClassification, BeitModel");
  refused({{"image_size", {16, 24}}}, "with relative position biases only squares can be imported");
  refused({{"image_size", 32}}, "relative_position_bias_table has shape [12, 2], expected [52, 2]");
  refused({{"use_relative_position_bias", false}}, "relative_position_bias_table of shape [12, 2] is unexpected");
  refused({{"layer_scale_init_value", 0}}, "lambda_1 of shape [6] is unexpected");
}
