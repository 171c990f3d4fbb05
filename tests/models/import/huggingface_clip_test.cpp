// The towers of transformers' CLIP and SigLIP: where tensors and settings arrive, and what is refused.
#include <algorithm>
#include <cmath>
#include <filesystem>

#include <catch2/catch.hpp>

#include "models/import/huggingface.hpp"
#include "models/import/load.hpp"
#include "models/import/text_tower.hpp"
#include "models/import/weight_files.hpp"
#include "models/reference/forward.hpp"
#include "tests/models/import/clip_folder.hpp"
#include "tests/support/data.hpp"
#include "tests/support/model_parts.hpp"

using namespace intvit;
using namespace intvit::importer;
using namespace intvit::test;
using Catch::Contains;
using Catch::StartsWith;
using nlohmann::json;

namespace {

VitModel tower_of(const TransformersTensors &tensors, const json &config, const json &processor = clip_processor()) {
  return std::get<VitModel>(load_huggingface(transformers_folder(tensors, config, processor)).model);
}

// As transformers saves an image tower alone.
TransformersTensors images_alone(const TransformersTensors &tensors, const std::vector<std::string> &others = {},
                                 bool with_prefix = false) {
  const std::string prefix = "vision_model.";
  TransformersTensors result;
  for (const auto &[name, tensor] : tensors.all)
    if (name.starts_with(prefix))
      result.all[with_prefix ? name : name.substr(prefix.size())] = tensor;
  for (const std::string &name : others)
    result.all[name] = tensors.all.at(name);
  return result;
}

json vision_config(const json &config, const std::string &type, const std::string &name) {
  return changed(config["vision_config"], {{"model_type", type}, {"architectures", {name}}, {"projection_dim", 6}});
}

} // namespace

TEST_CASE("CLIP: tensors and settings of the image tower arrive where they belong") {
  const TransformersTensors tensors = clip_tensors();
  const VitModel model = tower_of(tensors, clip_config());
  const VitConfig &config = model.config;
  CHECK(config.architecture == "clip");
  CHECK(config.layer_norm_eps == 1e-5);
  CHECK(config.activation == Activation::quick_gelu);
  CHECK(config.pre_norm);
  CHECK(config.pool == Pool::token);
  CHECK(config.projection == 6);
  CHECK(config.classes == 0);
  CHECK(config.partial_patches);
  CHECK(config.patches() == 4);
  CHECK(config.mean == clip_mean);
  CHECK(outputs(FloatModel(model)) == 6);
  const VitWeights &weights = model.weights;
  const auto tensor = [&](const std::string &name) { return tensors.matrix("vision_model." + name); };
  CHECK(weights.patch_embed.weight == tensor("embeddings.patch_embedding.weight").reshaped<Eigen::RowMajor>(12, 192));
  CHECK(weights.patch_embed.bias.isZero(0));
  const RowMatrix position = tensor("embeddings.position_embedding.weight");
  CHECK(weights.prefix == tensor("embeddings.class_embedding") + position.topRows(1));
  CHECK(weights.position == position.bottomRows(4));
  CHECK(weights.pre_norm.weight == tensor("pre_layrnorm.weight"));
  CHECK(weights.norm.bias == tensor("post_layernorm.bias"));
  CHECK(weights.blocks[1].qkv.weight.middleRows(12, 12) == tensor("encoder.layers.1.self_attn.k_proj.weight"));
  CHECK(weights.blocks[1].proj.bias == tensor("encoder.layers.1.self_attn.out_proj.bias"));
  CHECK(weights.blocks[0].norm2.weight == tensor("encoder.layers.0.layer_norm2.weight"));
  CHECK(weights.blocks[0].fc2.weight == tensor("encoder.layers.0.mlp.fc2.weight"));
  CHECK(weights.projection.weight == tensors.matrix("visual_projection.weight"));
  CHECK(weights.projection.bias.isZero(0));
}

TEST_CASE("CLIP: the classes of models, as transformers saves them today and did before") {
  const TransformersTensors tensors = clip_tensors();
  const json config = clip_config();
  const Image image = random_images(1, 20, 20, 3).front();
  const auto forward = [&](const VitModel &model) { return reference::forward(model, image); };
  const std::vector<float> projected = forward(tower_of(tensors, config));
  CHECK(projected.size() == 6);

  const json alone = vision_config(config, "clip_vision_model", "CLIPVisionModelWithProjection");
  CHECK(forward(tower_of(images_alone(tensors, {"visual_projection.weight"}, true), alone)) == projected);
  const json pooled = vision_config(config, "clip_vision_model", "CLIPVisionModel");
  const std::vector<float> features = forward(tower_of(images_alone(tensors), pooled));
  CHECK(features.size() == 12);
  CHECK(forward(tower_of(images_alone(tensors, {}, true), pooled)) == features);
  CHECK(forward(tower_of(images_alone(tensors, {}, true), changed(config, {{"architectures", {"CLIPVisionModel"}}}))) ==
        features);

  TransformersTensors classifier = images_alone(tensors, {}, true);
  classifier.add_linear("classifier", 3, 12);
  const json heads = changed(config, {{"architectures", {"CLIPForImageClassification"}},
                                      {"id2label", {{"0", "ant"}, {"1", "bee"}, {"2", "cat"}}},
                                      {"problem_type", "multi_label_classification"}});
  const VitModel classifying = tower_of(classifier, heads);
  CHECK(classifying.config.pool == Pool::raw_mean);
  CHECK(classifying.config.head == ResultKind::labels);
  CHECK(classifying.labels == std::vector<std::string>{"ant", "bee", "cat"});
  CHECK(forward(classifying).size() == 3);

  TransformersTensors old = tensors; // with the counts that older versions saved
  old.add("vision_model.embeddings.position_ids", {1, 5});
  old.add("text_model.embeddings.position_ids", {1, 7});
  CHECK(forward(tower_of(old, config)) == projected);
}

TEST_CASE("SigLIP: the attention pooling and the classes of models") {
  const TransformersTensors tensors = siglip_tensors();
  const VitModel model = tower_of(tensors, siglip_config());
  CHECK(model.config.layer_norm_eps == 1e-6);
  CHECK(model.config.activation == Activation::gelu_tanh);
  CHECK_FALSE(model.config.pre_norm);
  CHECK(model.config.prefix_tokens == 0);
  CHECK(model.config.pool == Pool::attention);
  CHECK(model.config.pool_hidden == 20);
  const std::string head = "vision_model.head.";
  const RowMatrix weight = tensors.matrix(head + "attention.in_proj_weight");
  const RowMatrix bias = tensors.matrix(head + "attention.in_proj_bias");
  const AttentionPoolWeights &pool = model.weights.attention_pool;
  const RowVector query = tensors.matrix(head + "probe").row(0) * weight.topRows(12).transpose() + bias.row(0).head(12);
  CHECK(pool.query.isApprox(query, 1e-5F));
  CHECK(pool.key_value.weight == weight.bottomRows(24));
  CHECK(pool.key_value.bias == bias.rightCols(24));
  CHECK(pool.norm2.weight == tensors.matrix(head + "layernorm.weight"));
  CHECK(pool.fc1.weight == tensors.matrix(head + "mlp.fc1.weight"));

  const Image image = random_images(1, 20, 20, 3).front();
  const std::vector<float> features = reference::forward(model, image);
  CHECK(features.size() == 12);
  const json alone = vision_config(siglip_config(), "siglip_vision_model", "SiglipVisionModel");
  CHECK(reference::forward(tower_of(images_alone(tensors), alone), image) == features);
  TransformersTensors classifier = images_alone(tensors, {}, true);
  classifier.add_linear("classifier", 2, 12);
  const VitModel classifying =
      tower_of(classifier, changed(siglip_config(), {{"architectures", {"SiglipForImageClassification"}}}));
  CHECK(classifying.config.pool == Pool::normed_mean);
  CHECK(reference::forward(classifying, image).size() == 2);
}

TEST_CASE("CLIP and SigLIP: processor_config.json holds the image processor where nothing else does") {
  const std::string folder = transformers_folder(clip_tensors(), clip_config(), clip_processor());
  const HuggingFaceModel before = load_huggingface(folder);
  std::filesystem::remove(folder + "/preprocessor_config.json");
  write_text_file(folder + "/processor_config.json",
                  json({{"processor_class", "CLIPProcessor"}, {"image_processor", clip_processor()}}).dump());
  CHECK(load_huggingface(folder).recipe == before.recipe);
  CHECK(load_float_model(folder).recipe == before.recipe);
}

TEST_CASE("CLIP and SigLIP: what is refused, and how") {
  const auto refused = [](const TransformersTensors &tensors, const json &config, const std::string &message) {
    CAPTURE(config);
    CHECK_THROWS_WITH(tower_of(tensors, config), Contains(message));
  };
  refused(clip_tensors(), changed(clip_config(), {{"architectures", {"CLIPTextModel"}}}),
          "\"architectures\" is [\"CLIPTextModel\"]; can be imported: CLIPModel, CLIPForImageClassification, "
          "CLIPVisionModel, CLIPVisionModelWithProjection");
  json config = clip_config();
  config["vision_config"]["hidden_act"] = "mish";
  refused(clip_tensors(), config,
          "\"hidden_act\" is \"mish\"; gelu, quick_gelu, gelu_pytorch_tanh and silu can be imported");
  config = clip_config();
  config["vision_config"]["num_channels"] = 1;
  refused(clip_tensors(), config, "\"num_channels\" is 1; only RGB models (3) can be imported");
  config = siglip_config();
  config["vision_config"]["vision_use_head"] = false;
  refused(siglip_tensors(), config, "\"vision_use_head\" is false");
  TransformersTensors tensors = clip_tensors();
  tensors.all.erase("visual_projection.weight");
  refused(tensors, clip_config(), "tensor visual_projection.weight is missing, expected shape [6, 12]");
  refused(siglip_tensors(), changed(clip_config(), {{"model_type", "siglip2"}}), "\"model_type\" is \"siglip2\"");
}

TEST_CASE("text towers: what is read, and what is refused") {
  const TransformersTensors tensors = clip_tensors();
  const TextModel model = load_text_model(clip_folder(tensors));
  const TextConfig &config = model.tower.config;
  CHECK(config.vocabulary == clip_vocabulary);
  CHECK(config.positions == 7);
  CHECK(config.features == 6);
  CHECK(config.pool == TextPool::first_end);
  CHECK(config.end_token == 513);
  CHECK(config.activation == Activation::quick_gelu);
  CHECK(model.tower.token == tensors.matrix("text_model.embeddings.token_embedding.weight"));
  CHECK(model.tower.projection.weight == tensors.matrix("text_projection.weight"));
  CHECK(model.scale.scale == Approx(std::exp(3.0)));
  CHECK_FALSE(model.scale.sigmoid);
  CHECK(model.tokenizer->vocabulary() == clip_vocabulary);

  CHECK(find_score_scale(clip_folder(tensors))->scale == model.scale.scale);
  const std::string clip = clip_folder(tensors);
  const std::vector<std::string> files = load_text_model(clip).files;
  for (const char *file : {"/vocab.json", "/merges.txt", "/config.json", "/model.safetensors"})
    CHECK(std::find(files.begin(), files.end(), clip + file) != files.end());
  CHECK_NOTHROW(load_text_model(clip, WeightFiles(clip).sha256()));
  CHECK_THROWS_WITH(load_text_model(clip, std::string(64, '0')),
                    StartsWith(clip + "/model.safetensors: is not the checkpoint that the model was made of") &&
                        Contains("--text-features"));
  const std::string both = transformers_folder(siglip_tensors(), siglip_config(), clip_processor());
  CHECK(find_score_scale(both)->scale == Approx(std::exp(2.0)));
  CHECK(find_score_scale(both)->bias == -4);
  CHECK(find_score_scale(both)->sigmoid);
  CHECK_FALSE(find_score_scale(transformers_folder(vit_tensors(), vit_config())));
  CHECK_FALSE(find_score_scale("/no/such/folder"));

  json legacy = clip_config();
  legacy["text_config"]["eos_token_id"] = 2;
  CHECK(load_text_model(clip_folder(tensors, legacy)).tower.config.pool == TextPool::largest);

  const auto message = [](const std::string &folder) {
    try {
      load_text_model(folder);
    } catch (const std::runtime_error &error) {
      return std::string(error.what());
    }
    return std::string();
  };
  const std::string vit = transformers_folder(vit_tensors(), vit_config());
  CHECK(message(vit) == vit + "/config.json: describes a model without a text tower, which turns the names of classes "
                              "into embeddings: it must be transformers' CLIPModel or SiglipModel");
  TransformersTensors smaller = tensors;
  smaller.all["text_model.embeddings.token_embedding.weight"] = {{500, 8}, std::vector<float>(4000)};
  json small = clip_config();
  small["text_config"]["vocab_size"] = 500;
  CHECK_THAT(message(clip_folder(smaller, small)),
             Contains("the tokenizer has tokens up to 513, but the model a vocabulary of 500"));
  smaller = tensors;
  smaller.all.erase("text_model.final_layer_norm.bias");
  CHECK_THAT(message(clip_folder(smaller)), Contains("tensor text_model.final_layer_norm.bias is missing"));
  smaller = tensors;
  smaller.all["logit_scale"].values[0] = 80;
  CHECK_THAT(message(clip_folder(smaller)),
             Contains("scale of scores is ") && Contains("must be between 0.000001 and"));
  for (const float flat : {-40.0F, -720.0F, -1e14F}) { // small, denormal, zero
    smaller.all["logit_scale"].values[0] = flat;
    CHECK_THAT(message(clip_folder(smaller)), Contains("scale of scores is 0.000000, must be between"));
  }
  json other = clip_config();
  other["text_config"]["vocab_size"] = 900;
  smaller = tensors;
  smaller.all["text_model.embeddings.token_embedding.weight"] = {{900, 8}, std::vector<float>(7200)};
  CHECK_THAT(message(clip_folder(smaller, other)),
             Contains("the tokenizer has tokens up to 513, but the model a vocabulary of 900: they do not belong"));
  other["text_config"]["vocab_size"] = 520; // padded
  smaller.all["text_model.embeddings.token_embedding.weight"] = {{520, 8}, std::vector<float>(4160)};
  CHECK(message(clip_folder(smaller, other)).empty());
  other = clip_config();
  other["text_config"]["eos_token_id"] = 512;
  CHECK_THAT(message(clip_folder(tensors, other)),
             Contains("the tokenizer ends texts with the token 513, but the model looks for 512"));
  other = clip_config();
  other["text_config"]["max_position_embeddings"] = 1;
  CHECK_THAT(message(clip_folder(tensors, other)), Contains("number of positions is 1, must be 2 to 4096"));
  json heads = clip_config();
  heads["text_config"]["num_attention_heads"] = 3;
  CHECK_THAT(message(clip_folder(tensors, heads)), Contains("is not a multiple of number of heads 3"));
  const std::string siglip = transformers_folder(siglip_tensors(), siglip_config(), clip_processor());
  CHECK_THAT(message(siglip), StartsWith(siglip + ": holds no spiece.model"));
  write_text_file(siglip + "/spiece.model", "nonsense");
  CHECK_THAT(message(siglip), StartsWith(siglip + "/spiece.model: "));
}
