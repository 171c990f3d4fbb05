// Names of classes, prompts, embeddings, and the head that they become.
#include "models/words/class_words.hpp"

#include <catch2/catch.hpp>

#include "models/reference/forward.hpp"
#include "models/reference/layers.hpp"
#include "models/reference/text_features.hpp"
#include "tests/models/import/clip_folder.hpp"
#include "tests/support/data.hpp"
#include "tests/support/model_parts.hpp"
#include "tests/support/small_vit.hpp"

using namespace intvit;
using namespace intvit::test;
using Catch::Matchers::Contains;
using Names = std::vector<std::string>;

namespace {

std::string names_message(const std::string &file_or_list) {
  try {
    class_name_list(file_or_list);
  } catch (const std::runtime_error &error) {
    return error.what();
  }
  return "";
}

std::string names_file(const std::string &text) {
  std::string path = temporary_file("classes.txt");
  write_text_file(path, text);
  return path;
}

} // namespace

TEST_CASE("words: names from a list and from a file") {
  CHECK(class_name_list("cat,dog") == Names{"cat", "dog"});
  CHECK(class_name_list(" a big cat , dog") == Names{"a big cat", "dog"});
  CHECK(class_name_list("\u732b") == Names{"\u732b"});
  CHECK(class_name_list(names_file("cat\nbig, bad wolf\r\n dog \n")) == Names{"cat", "big, bad wolf", "dog"});
  CHECK(class_name_list(names_file("cat\n\"big, bad wolf\"\n \"the \"\"fox\"\"\"\n\"open\n")) ==
        Names{"cat", "big, bad wolf", "the \"fox\"", "\"open"});
  CHECK(class_name_list("\"cat\",dog") == Names{"\"cat\"", "dog"});
  CHECK(names_message("cat,,dog") == "--classes: name 2 is empty");
  CHECK(names_message("") == "--classes: name 1 is empty: there is no such file either");
  CHECK(names_message("cat,dog,cat") == "--classes: name 3, \"cat\", is there twice");
  CHECK(names_message("cat,\xff") == "--classes: name 2 is not UTF-8");
  CHECK_THAT(names_message(names_file("cat\n\ndog\n")), Contains("classes.txt: line 2 is empty"));
  CHECK_THAT(names_message(names_file("cat\ndog\n cat\n")), Contains("classes.txt: line 3, \"cat\", is there twice"));
  CHECK_THAT(names_message(names_file("")), Contains("holds no names of classes"));
}

TEST_CASE("words: prompts") {
  CHECK(prompt_text("a photo of a {}.", "cat") == "a photo of a cat.");
  CHECK(prompt_text("{} beside {}", "{}") == "{} beside {}");
  CHECK(prompt_text("{}", "") == "");
  CHECK_THROWS_WITH(prompt_text("a photo", "cat"), Contains("the prompt \"a photo\" has no {}"));
}

TEST_CASE("words: the embedding of a class is the mean direction of its prompts, as CLIP's") {
  const TextModel model = load_text_model(clip_folder());
  std::vector<std::string> warnings;
  std::size_t told = 0;
  const auto embed = [&](const Names &names, const Names &prompts) {
    return embed_words(
        model, names, prompts, 2, [&](std::size_t) { ++told; },
        [&](const std::string &message) { warnings.push_back(message); });
  };
  const auto unit = [&](const std::string &text) {
    const RowMatrix features =
        reference::text_features(model.tower, model.tokenizer->encode(text, model.tower.config.positions).ids);
    return RowMatrix(reference::unit_length(features));
  };
  const ClassWords one = embed({"a", "b c"}, {"x {}"});
  CHECK(one.names == Names{"a", "b c"});
  CHECK(one.scale.scale == model.scale.scale);
  REQUIRE(one.embeddings.rows() == 2);
  CHECK(one.embeddings.row(0).isApprox(unit("x a").row(0), 1e-6F));
  CHECK(one.embeddings.row(1).isApprox(unit("x b c").row(0), 1e-6F));
  CHECK(warnings.empty());
  CHECK(told > 0);
  const ClassWords two = embed({"a"}, {"x {}", "{}!"});
  const RowMatrix sum = unit("x a") + unit("a!");
  CHECK(two.embeddings.row(0).isApprox(sum.row(0) / sum.row(0).norm(), 1e-5F));
  CHECK(two.embeddings.row(0).norm() == Approx(1));
  CHECK(two.source == "x {} | {}!");

  const ClassWords longer = embed({"a name of many letters"}, {"{}"});
  REQUIRE(warnings.size() == 1);
  CHECK(warnings[0] == "the model reads 7 tokens of a text, so not the end of \"a name of many letters\"");
  CHECK(longer.embeddings.row(0).isApprox(unit("a name of many letters").row(0), 1e-6F));
}

TEST_CASE("words: embeddings made elsewhere") {
  RowMatrix embeddings(2, 3);
  embeddings << 3, 0, 4, 0, -2, 0;
  const ClassWords words = given_words({"a", "b"}, embeddings, {.scale = 10, .bias = -1, .sigmoid = true});
  RowMatrix expected(2, 3);
  expected << 6, 0, 8, 0, -10, 0;
  const LinearWeights head = word_head(words);
  CHECK(head.weight.isApprox(expected, 1e-6F));
  CHECK(head.bias.isApproxToConstant(-1.0F));
  CHECK_THROWS_WITH(given_words({"a"}, embeddings, {}), "there are 2 embeddings for 1 names of classes");
  embeddings.row(1).setZero();
  CHECK_THROWS_WITH(given_words({"a", "b"}, embeddings, {}), "the embedding of \"b\" is all zero");
}

TEST_CASE("words: the head of a model, whose logits are scaled cosines") {
  FloatModel model = random_weights(small_vit_config({.classes = 0}), 3);
  const Image image = random_images(1, 16, 16, 4).front();
  const std::vector<float> features = reference::forward(model, image);
  RowMatrix embeddings = RowMatrix::Random(5, 16);
  const ClassWords words = given_words({"a", "b", "c", "d", "e"}, embeddings, {.scale = 50});
  add_words(words, model);
  CHECK(labels(model) == Names{"a", "b", "c", "d", "e"});
  CHECK(common_config(model).result_kind() == ResultKind::logits);
  const std::vector<float> logits = reference::forward(model, image);
  REQUIRE(logits.size() == 5);
  const Eigen::Map<const RowVector> f(features.data(), 16);
  for (Eigen::Index i = 0; i < 5; ++i)
    CHECK(logits[static_cast<std::size_t>(i)] ==
          Approx(50 * f.dot(embeddings.row(i)) / (f.norm() * embeddings.row(i).norm())).margin(1e-3));

  CHECK_THROWS_WITH(add_words(words, model), Contains("the model has a head of 5 classes"));
  FloatModel narrow = random_weights(small_vit_config({.channels = 8, .classes = 0}), 3);
  CHECK_THROWS_WITH(add_words(words, narrow),
                    "the embeddings have 16 numbers each, but the model's features 8: they are "
                    "another model's");
  FloatModel labels_model = random_weights(small_vit_config({.classes = 0}), 3);
  add_words(given_words({"a", "b", "c", "d", "e"}, embeddings, {.scale = 9, .bias = -3, .sigmoid = true}),
            labels_model);
  CHECK(common_config(labels_model).result_kind() == ResultKind::labels);
}
