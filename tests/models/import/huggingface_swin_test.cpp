// transformers' Swin and Swin V2.
#include <cmath>
#include <string>
#include <utility>

#include <catch2/catch.hpp>

#include "models/import/huggingface.hpp"
#include "models/reference/forward.hpp"
#include "tests/models/import/transformers_folder.hpp"
#include "tests/support/model_parts.hpp"

using namespace intvit;
using namespace intvit::importer;
using namespace intvit::test;
using Catch::Contains;
using nlohmann::json;

TEST_CASE("transformers: Swin's merging, windows and position biases") {
  const TransformersTensors tensors = swin_tensors();
  const json swin_processor = changed(image_processor(), {{"size", 32}});
  const HuggingFaceModel loaded = load_huggingface(transformers_folder(tensors, swin_config(), swin_processor));
  const auto &model = std::get<SwinModel>(loaded.model);
  CHECK(model.config.depths == std::vector<int>{2, 1});
  CHECK(model.config.layer_norm_eps == 1e-5);
  CHECK(model.weights.stages[0].merge.weight.size() == 0);
  CHECK(model.weights.stages[1].merge.weight == tensors.matrix("swin.encoder.layers.0.downsample.reduction.weight"));
  CHECK(model.weights.stages[1].merge.bias == RowVector::Zero(8));
  CHECK(model.weights.stages[1].blocks[0].position_bias ==
        tensors.matrix("swin.encoder.layers.1.blocks.0.attention.self.relative_position_bias_table").transpose());
  CHECK(reference::forward(loaded.model, random_images(1, 32, 32, 1).front()).size() == 3);

  TransformersTensors old = tensors; // up to transformers 4.30
  for (const char *block : {"0.blocks.0", "0.blocks.1", "1.blocks.0"})
    old.add(std::string("swin.encoder.layers.") + block + ".attention.self.relative_position_index", {16, 16});
  CHECK_NOTHROW(load_huggingface(transformers_folder(old, swin_config(), swin_processor)));

  const auto refused = [&](const json &patch, const std::string &message) {
    CAPTURE(patch);
    CHECK_THROWS_WITH(load_huggingface(transformers_folder(tensors, changed(swin_config(), patch), swin_processor)),
                      Contains(message));
  };
  refused({{"use_absolute_embeddings", true}}, "\"use_absolute_embeddings\" is true");
  refused({{"layer_norm_eps", 1e-6}}, "\"layer_norm_eps\" is 1e-06; only 1e-5 can be imported");
  refused({{"depths", 2}}, "\"depths\" must be a list, is 2");
  refused({{"depths", json::array()}}, "number of stages is 0");
  refused({{"depths", {2, 1, 1}}}, "heads are given for 2 stages of 3");
  refused({{"window_size", 3}}, "relative_position_bias_table has shape [49, 1], expected [25, 1]");
  refused({{"mlp_ratio", 1e300}}, "MLP ratio");
  refused({{"mlp_ratio", 3}}, "intermediate.dense.weight has shape [8, 4], expected [12, 4]");
}

TEST_CASE("transformers: Swin V2's norms, scales and position biases") {
  TransformersTensors tensors;
  for (const auto &[name, tensor] : swin_tensors().all) {
    const bool foreign = name.ends_with("relative_position_bias_table") || name.ends_with("key.bias") ||
                         name.find("downsample.norm") != std::string::npos;
    if (!foreign)
      tensors.all["swinv2" + name.substr(name.starts_with("swin.") ? 4 : 0)] = tensor;
  }
  for (const char *head : {"weight", "bias"})
    tensors.all[std::string("classifier.") + head] = swin_tensors().all.at(std::string("classifier.") + head);
  std::erase_if(tensors.all, [](const auto &entry) { return entry.first.starts_with("swinv2classifier"); });
  tensors.add_norm("swinv2.encoder.layers.0.downsample.norm", 8);
  for (const auto &[block, heads] : {std::pair("0.blocks.0.", 1), {"0.blocks.1.", 1}, {"1.blocks.0.", 2}}) {
    const std::string name = std::string("swinv2.encoder.layers.") + block + "attention.self.";
    tensors.add(name + "logit_scale", {heads, 1, 1});
    tensors.add_linear(name + "continuous_position_bias_mlp.0", 512, 2);
    tensors.add(name + "continuous_position_bias_mlp.2.weight", {heads, 512});
  }
  tensors.all["swinv2.encoder.layers.1.blocks.0.attention.self.logit_scale"].values = {2.0F, 5.0F};
  const json config =
      changed(swin_config(), {{"architectures", {"Swinv2ForImageClassification"}}, {"model_type", "swinv2"}});
  const json processor = changed(image_processor(), {{"size", 32}});
  const HuggingFaceModel loaded = load_huggingface(transformers_folder(tensors, config, processor));
  const auto &model = std::get<SwinModel>(loaded.model);
  CHECK(model.config.v2);
  const SwinStageWeights &last = model.weights.stages[1];
  CHECK(last.merge_norm.weight.size() == 8);
  const BlockWeights &block = last.blocks[0];
  CHECK(block.qkv.bias.segment(8, 8) == RowVector::Zero(8));
  CHECK(static_cast<double>(block.cosine_scale[0]) == Approx(std::exp(2.0)));
  CHECK(static_cast<double>(block.cosine_scale[1]) == Approx(100.0)); // where it is cut off
  // Of no distance at all the network sees zeros: column 24 of 49, in the middle.
  const std::string mlp = "swinv2.encoder.layers.1.blocks.0.attention.self.continuous_position_bias_mlp.";
  const RowMatrix hidden = tensors.matrix(mlp + "0.bias").reshaped<Eigen::RowMajor>(1, 512).cwiseMax(0.0F);
  const RowMatrix logits = hidden * tensors.matrix(mlp + "2.weight").transpose();
  for (Eigen::Index head = 0; head < 2; ++head)
    CHECK(static_cast<double>(block.position_bias(head, 24)) ==
          Approx(16 / (1 + std::exp(-static_cast<double>(logits(0, head))))).epsilon(1e-5));
  // A distance of the whole window is log2(9) / 3 of the way: the first column is of both sides.
  const double far = -std::log2(9.0) / 3;
  const RowMatrix weight = tensors.matrix(mlp + "0.weight");
  const RowMatrix corner = (hidden * 0 + (static_cast<float>(far) * weight.rowwise().sum()).transpose() +
                            tensors.matrix(mlp + "0.bias").reshaped<Eigen::RowMajor>(1, 512))
                               .cwiseMax(0.0F);
  CHECK(static_cast<double>(block.position_bias(0, 0)) ==
        Approx(16 / (1 + std::exp(-static_cast<double>((corner * tensors.matrix(mlp + "2.weight").transpose())(0, 0)))))
            .epsilon(1e-4));
  CHECK(reference::forward(loaded.model, random_images(1, 32, 32, 1).front()).size() == 3);

  const auto refused = [&](const json &patch, const std::string &message) {
    CHECK_THROWS_WITH(load_huggingface(transformers_folder(tensors, changed(config, patch), processor)),
                      Contains(message));
  };
  refused({{"image_size", {32, 64}}}, "\"image_size\" is [32,64]; of a Swin V2 only squares can be imported");
  refused({{"image_size", 28}}, "the grid of stage 1, 4 tokens a side, comes of one with odd sides");
  refused({{"pretrained_window_sizes", 7}}, "\"pretrained_window_sizes\" must be a list, is 7");
  refused({{"pretrained_window_sizes", {7}}}, "windows of the training before are given for 1 stages of 2");
}
