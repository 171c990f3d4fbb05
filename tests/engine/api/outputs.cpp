// What a model's outputs mean: classes, labels, scores or features. The bits are the same whatever they mean.
#include <array>
#include <cmath>
#include <string>

#include "tests/engine/api/fixture.hpp"

namespace intvit {
namespace {

using test::ModelHandle;
using test::SessionHandle;
using test::tiny_classes;

std::vector<std::byte> tiny_of(ResultKind kind) {
  test::ModelParts parts(test::tiny_model());
  parts.description.graph.result = kind;
  if (kind == ResultKind::embedding) {
    test::remove_features(parts);
    parts.description.labels.clear();
  }
  return parts.file();
}

// A session after a run on one image.
struct Ran {
  explicit Ran(ResultKind kind) : model(test::load(tiny_of(kind))), session(test::start(model)) {
    const Image picture = test::random_images(1, test::tiny_side, test::tiny_side, 8).front();
    const intvit_image image = test::exact(picture);
    REQUIRE(intvit_run(session.get(), &image, 1, nullptr) == INTVIT_OK);
  }

  ModelHandle model;
  SessionHandle session;
};

TEST_CASE("outputs: what they mean, and the same bits whatever that is") {
  const Ran classes(ResultKind::logits);
  const Ran labels(ResultKind::labels);
  const Ran scores(ResultKind::scores);
  const Ran features(ResultKind::embedding);
  CHECK(intvit_model_outputs(classes.model.get()) == INTVIT_OUTPUTS_CLASSES);
  CHECK(intvit_model_outputs(labels.model.get()) == INTVIT_OUTPUTS_LABELS);
  CHECK(intvit_model_outputs(scores.model.get()) == INTVIT_OUTPUTS_SCORES);
  CHECK(intvit_model_outputs(features.model.get()) == INTVIT_OUTPUTS_FEATURES);

  const std::vector<std::int32_t> logits = test::logits_of(classes.session);
  const std::int32_t *expected = nullptr;
  REQUIRE(intvit_features(classes.session.get(), 0, &expected, nullptr) == INTVIT_OK);
  for (const Ran *other : {&labels, &scores}) {
    CHECK(intvit_model_classes(other->model.get()) == tiny_classes);
    CHECK(intvit_model_label(other->model.get(), 2) == std::string("cat"));
    CHECK(intvit_model_fraction_bits(other->model.get()) == intvit_model_fraction_bits(classes.model.get()));
    CHECK(test::logits_of(other->session) == logits);
    const std::int32_t *found = nullptr;
    REQUIRE(intvit_features(other->session.get(), 0, &found, nullptr) == INTVIT_OK);
    const int count = intvit_model_features(other->model.get());
    CHECK(std::vector(found, found + count) == std::vector(expected, expected + count));
  }
  CHECK(intvit_model_classes(features.model.get()) == 0);
  const std::int32_t *found = nullptr;
  REQUIRE(intvit_features(features.session.get(), 0, &found, nullptr) == INTVIT_OK);
  CHECK(std::vector(found, found + tiny_classes) == logits);
}

TEST_CASE("outputs: labels are ordered as classes are, each with a probability of its own") {
  const Ran classes(ResultKind::logits);
  const Ran labels(ResultKind::labels);
  std::array<intvit_class, tiny_classes> as_classes;
  std::array<intvit_class, tiny_classes> top;
  REQUIRE(intvit_top_k(classes.session.get(), 0, tiny_classes, as_classes.data(), nullptr) == INTVIT_OK);
  REQUIRE(intvit_top_k(labels.session.get(), 0, tiny_classes, top.data(), nullptr) == INTVIT_OK);
  bool differs = false;
  for (std::size_t i = 0; i < top.size(); ++i) {
    CHECK(top[i].index == as_classes[i].index);
    CHECK(top[i].logit == as_classes[i].logit);
    CHECK(top[i].label == std::string(as_classes[i].label));
    const double x = std::ldexp(top[i].logit, -intvit_model_fraction_bits(labels.model.get()));
    CHECK(std::abs(top[i].probability - 1e6 / (1 + std::exp(-x))) <= 0.52);
    differs = differs || top[i].probability != as_classes[i].probability;
  }
  CHECK(differs);
  intvit_error error;
  CHECK(intvit_top_k(labels.session.get(), 0, 6, top.data(), &error) == INTVIT_BAD_ARGUMENT);
  CHECK(error.message == std::string("from 1 to 5 labels can be asked for, not 6"));
}

TEST_CASE("outputs: scores have no order") {
  const Ran scores(ResultKind::scores);
  intvit_class best;
  intvit_error error;
  CHECK(intvit_top_k(scores.session.get(), 0, 1, &best, &error) == INTVIT_NOT_AVAILABLE);
  CHECK(error.message ==
        std::string("the model gives scores, which have no order and no probability; read them with intvit_logits()"));
}

} // namespace
} // namespace intvit
