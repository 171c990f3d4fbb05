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
