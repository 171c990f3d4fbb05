// The C++ interface over the C one. Sees nothing of the engine.
#include "engine/include/intvit.hpp"

#include <string>
#include <type_traits>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/support/data.hpp"

namespace {

static_assert(!std::is_copy_constructible_v<intvit::Model> && std::is_nothrow_move_constructible_v<intvit::Model>);
static_assert(!std::is_copy_constructible_v<intvit::Session> && std::is_nothrow_move_constructible_v<intvit::Session>);

std::string model_path() {
  return intvit::test::source_file("../models/zoo/cifar10_vit.safetensors");
}

TEST_CASE("wrapper: from a file to the class") {
  intvit::Result<intvit::Model> model = intvit::Model::open(model_path().c_str());
  REQUIRE(model);
  CHECK(model->outputs() == INTVIT_OUTPUTS_CLASSES);
  CHECK(model->classes() == 10);
  CHECK(model->features() == 192);
  CHECK(model->feature_fraction_bits() > 0);
  CHECK(model->width() == 32);
  CHECK(model->height() == 32);
  CHECK(model->label(3) == std::string("cat"));
  CHECK(std::string(model->recipe()).find("crop=32") != std::string::npos);
  CHECK(model->weight_bytes() > 100'000);

  intvit_session_options options = intvit_default_session_options();
  options.max_batch = 2;
  intvit::Result<intvit::Session> made = model->session(options);
  REQUIRE(made);
  CHECK(made->arena_bytes() == *model->arena_bytes(options));
  intvit::Session session = std::move(*made);

  const std::vector<std::uint8_t> black(32 * 32 * 3);
  const std::vector<std::uint8_t> white(100 * 80 * 3, 255);
  REQUIRE(session.run(std::vector<intvit_image>{intvit_input_image(black.data(), 32, 32, 0),
                                                intvit_rgb_image(white.data(), 100, 80, 0)}));
  CHECK(session.images() == 2);
  REQUIRE(session.logits(1));
  CHECK(session.logits(1)->size() == 10);
  CHECK(session.logits(0)->data() != session.logits(1)->data());
  REQUIRE(session.features(1));
  CHECK(session.features(1)->size() == 192);
  CHECK(session.features(0)->data() + 192 == session.features(1)->data());
  const auto top = session.top(100, 1);
  REQUIRE(top);
  CHECK(top->size() == 10);
  CHECK((*session.logits(1))[static_cast<std::size_t>(top->front().index)] == top->front().logit);

  REQUIRE(session.run(intvit_input_image(black.data(), 32, 32, 0)));
  const std::vector<std::int32_t> logits(session.logits()->begin(), session.logits()->end());
  REQUIRE(session.run(intvit_frame_of(INTVIT_PIXELS_BGRA, std::vector<std::uint8_t>(40 * 40 * 4).data(), 40, 40, 0)));
  CHECK(std::vector<std::int32_t>(session.logits()->begin(), session.logits()->end()) == logits);
  int sum = 0;
  for (const intvit_class &entry : session.top(10).value()) // the temporary lives as long as the loop
    sum += entry.index;
  for (const intvit_class &entry : *session.top(10))
    sum += entry.index;
  CHECK(sum == 2 * 45);
  CHECK_FALSE(session.logits(1));
  CHECK(session.logits(1).error().code() == INTVIT_NOT_AVAILABLE);
  CHECK(session.features(1).error().code() == INTVIT_NOT_AVAILABLE);
  CHECK(session.patch_tokens().error().code() == INTVIT_NOT_AVAILABLE);
  CHECK(model->token_rows() * model->token_columns() * model->token_channels() == 0);
  CHECK(session.top(0).error().code() == INTVIT_BAD_ARGUMENT);
}

TEST_CASE("wrapper: failures as values and as exceptions") {
  const intvit::Result<intvit::Model> missing = intvit::Model::open("/nowhere");
  CHECK_FALSE(missing);
  CHECK(missing.error().code() == INTVIT_IO);
  CHECK(missing.error().message() == std::string("/nowhere: cannot open: No such file or directory"));
  CHECK(intvit::Model::from_memory("x", 1).error().code() == INTVIT_BAD_FORMAT);
  try {
    intvit::Model::open("/nowhere").value();
    FAIL("no exception");
  } catch (const intvit::Exception &error) {
    CHECK(error.code() == INTVIT_IO);
    CHECK(error.what() == std::string("/nowhere: cannot open: No such file or directory"));
  }
  intvit::Model model = intvit::Model::open(model_path().c_str()).value();
  intvit::Session session = model.session().value();
  CHECK_THROWS_AS(session.run(intvit_rgb_image(nullptr, 1, 1, 0)).value(), intvit::Exception);
}

TEST_CASE("wrapper: owners can be moved") {
  intvit::Model first = intvit::Model::open(model_path().c_str()).value();
  intvit::Model second = std::move(first);
  first = intvit::Model::open(model_path().c_str()).value();
  std::swap(first, second);
  intvit::Session session = first.session().value();
  session = second.session().value();
  const std::vector<std::uint8_t> black(32 * 32 * 3);
  CHECK(session.run(intvit_input_image(black.data(), 32, 32, 0)));
}

} // namespace
