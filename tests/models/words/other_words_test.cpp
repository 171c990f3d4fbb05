// Models that classify by words, and the same with other words.
#include "models/words/other_words.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include <catch2/catch.hpp>

#include "models/quantize/quantize.hpp"
#include "models/reference/forward.hpp"
#include "tests/support/model_parts.hpp"
#include "tests/support/run_model.hpp"
#include "tests/support/small_vit.hpp"
#include "tests/support/tiny_model.hpp"

using namespace intvit;
using namespace intvit::test;
using Catch::Matchers::Contains;

namespace {

FloatModel feature_model() {
  return random_weights(small_vit_config({.channels = 32, .heads = 4, .hidden = 64, .classes = 0}), 8);
}

ClassWords random_words(int count, unsigned seed, bool sigmoid = false) {
  std::vector<std::string> names;
  for (int i = 0; i < count; ++i)
    names.push_back("name " + std::to_string(i));
  std::srand(seed);
  return given_words(std::move(names), RowMatrix::Random(count, 32),
                     sigmoid ? ScoreScale{20, -5, true} : ScoreScale{30, 0, false});
}

FloatModel with_words(const ClassWords &words) {
  FloatModel model = feature_model();
  add_words(words, model);
  return model;
}

ModelFile quantized_with(const ClassWords &words) {
  const FloatModel model = with_words(words);
  const std::vector<Image> images = random_images(32, 16, 16, 5);
  return parse_model(quantize({.model = model,
                               .calibration = images,
                               .recipe = squash_recipe(16, 16),
                               .labels = words.names,
                               .provenance = words_provenance(words)},
                              {}));
}

std::vector<double> real_logits(const ModelFile &file, const Image &image) {
  std::vector<double> result;
  for (const std::int32_t logit : logits_of(file, image))
    result.push_back(std::ldexp(logit, -file.description().graph.logit_fraction_bits));
  return result;
}

double largest_difference(const ModelFile &file, const FloatModel &model) {
  double largest = 0;
  for (const Image &image : random_images(6, 16, 16, 77)) {
    const std::vector<double> actual = real_logits(file, image);
    const std::vector<float> expected = reference::forward(model, image);
    REQUIRE(actual.size() == expected.size());
    for (std::size_t i = 0; i < actual.size(); ++i)
      largest = std::max(largest, std::abs(actual[i] - static_cast<double>(expected[i])));
  }
  return largest;
}

} // namespace

TEST_CASE("other words: logits follow the float model's with those words, features stay") {
  for (const bool sigmoid : {false, true}) {
    const ModelFile file = quantized_with(random_words(7, 1, sigmoid));
    const ClassWords words = random_words(12, 2, sigmoid);
    const std::vector<std::byte> bytes = with_other_words(file, words, {{"prompts", "{}"}});
    const ModelFile other = parse_model(bytes);
    CHECK(other.bind().ok());
    CHECK(other.description().labels == words.names);
    CHECK(other.description().provenance.at("prompts") == "{}");
    CHECK(other.description().graph.result_kind() == (sigmoid ? ResultKind::labels : ResultKind::logits));
    CHECK(score_scale_of(other).scale == Approx(words.scale.scale));
    CHECK(score_scale_of(other).bias == Approx(words.scale.bias));
    // Scores go from -30 to 30; those of the words that it was quantized with are as far off.
    const double before = largest_difference(file, with_words(random_words(7, 1, sigmoid)));
    const double after = largest_difference(other, with_words(words));
    CAPTURE(before, after);
    CHECK(before < 2);
    CHECK(after < 2 * before); // words of the same kind, so an error of the same size

    for (const Image &image : random_images(3, 16, 16, 9)) {
      Session first = start_session(load_model(file));
      Session second = start_session(load_model(other));
      run_logits(first, {&image, 1});
      run_logits(second, {&image, 1});
      CHECK(std::vector<std::int32_t>(first.features().begin(), first.features().end()) ==
            std::vector<std::int32_t>(second.features().begin(), second.features().end()));
    }
    CHECK(logits_of(other, golden_image(other)) == other.golden_logits());
    CHECK(golden_image(other).rgb == golden_image(file).rgb);
    CHECK(with_other_words(file, words, {{"prompts", "{}"}}) == bytes);
  }
}

TEST_CASE("other words: models and words that do not fit") {
  const ModelFile plain = parse_model(tiny_model());
  CHECK_THROWS_WITH(with_other_words(plain, random_words(3, 1), {}), Contains("does not classify by words"));
  CHECK_THROWS_WITH(score_scale_of(plain), Contains("does not classify by words"));
  const ModelFile file = quantized_with(random_words(4, 1));
  RowMatrix narrow = RowMatrix::Random(2, 8);
  CHECK_THROWS_WITH(with_other_words(file, given_words({"a", "b"}, narrow, {}), {}),
                    Contains("has features of 32 numbers, but the embeddings 8"));
  ModelParts parts(with_other_words(file, random_words(3, 1), {}));
  parts.description.provenance.erase(logit_scale_key);
  CHECK_THROWS_WITH(score_scale_of(parse_model(parts.file())), Contains("does not tell its \"logit_scale\""));
  parts.description.provenance[logit_scale_key] = "many";
  CHECK_THROWS_WITH(score_scale_of(parse_model(parts.file())), Contains("does not tell its \"logit_scale\""));
  parts.description.provenance[logit_scale_key] = "0";
  CHECK_THROWS_WITH(score_scale_of(parse_model(parts.file())), Contains("scale of scores is 0.000000"));
  parts.description.provenance[logit_scale_key] = "7";
  parts.set_element<std::int32_t>("unit.multiplier", 3, 0);
  CHECK_THROWS_WITH(with_other_words(parse_model(parts.file()), random_words(3, 1), {}),
                    Contains("has a multiplier that is not positive"));
}
