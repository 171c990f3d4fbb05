// What a session refuses, and that a refusal changes nothing.
#include <array>
#include <cstdlib>

#include <catch2/catch.hpp>

#include "engine/threads/default_threads.hpp"
#include "tests/support/run_model.hpp"
#include "tests/support/threads.hpp"
#include "tests/support/tiny_model.hpp"

namespace intvit {
namespace {

std::shared_ptr<const Model> tiny() {
  static const std::shared_ptr<const Model> model = test::load_model(test::parse_model(test::tiny_model()));
  return model;
}

TEST_CASE("model: its work, and the limit of it") {
  const ModelFile file = test::parse_model(test::tiny_model());
  const std::int64_t work = work_of(tiny()->program());
  // The patches' product alone: 16 patches of 4 x 4 pixels.
  CHECK(work > 16 * 48 * 16);
  CHECK(work < 10'000'000);
  CHECK(Model::create(file, kernels::default_kernels(), work).ok());
  const Result<std::shared_ptr<const Model>> refused = Model::create(file, kernels::default_kernels(), work - 1);
  CHECK(refused.status().code() == StatusCode::unsupported);
}

// Work beyond an int64 is the largest one.
TEST_CASE("model: work that no int64 counts") {
  const ModelFile file = test::parse_model(test::tiny_model());
  Program program = [&] {
    Result<Program> bound = file.bind();
    REQUIRE(bound.ok());
    return std::move(*bound);
  }();
  for (ValueInfo &value : program.values)
    value = {value.type, 1 << 28, 1 << 30};
  CHECK(work_of(program) == any_work);
}

TEST_CASE("model: what it says of itself") {
  CHECK(tiny()->image_height() == 16);
  CHECK(tiny()->image_width() == 16);
  CHECK(tiny()->classes() == 5);
  CHECK(tiny()->labels().size() == 5);
  CHECK(tiny()->labels()[2] == "cat");
  CHECK(tiny()->recipe() == squash_recipe(16, 16));
  CHECK(tiny()->logit_fraction_bits() > 0);
}

TEST_CASE("model: errors of the file are passed on") {
  const Result<std::shared_ptr<const Model>> missing = Model::open("/nowhere/model.safetensors");
  CHECK(missing.status().code() == StatusCode::io);
  CHECK(missing.status().message().rfind("/nowhere/model.safetensors: ", 0) == 0);
  test::ModelParts parts(test::tiny_model());
  parts.tensors.erase("head.offset");
  const Result<ModelFile> file = ModelFile::parse(parts.file(), "m");
  REQUIRE(file.ok());
  const Result<std::shared_ptr<const Model>> unbound = Model::create(*file);
  CHECK(unbound.status().code() == StatusCode::bad_format);
  CHECK(unbound.status().message() == "m: graph node head: tensor head.offset is missing");
}

TEST_CASE("session: the number of threads") {
  for (const int threads : {-1, 1025, 1 << 30, INT_MIN}) {
    const Result<Session> session = Session::create(tiny(), {.threads = threads});
    CHECK(session.status().code() == StatusCode::bad_argument);
    CHECK(session.status().message() == "threads must be from 1 to 1024");
  }
  const Result<Session> session = Session::create(tiny());
  REQUIRE(session.ok());
  CHECK(session->threads() == default_threads());
}

TEST_CASE("session: the largest batch") {
  for (const int batch : {-1, 0, 4097, INT_MAX}) {
    const Result<Session> session = Session::create(tiny(), {.threads = 1, .max_batch = batch});
    CHECK(session.status().code() == StatusCode::bad_argument);
    CHECK(session.status().message() == "batch must be from 1 to 4096");
  }
  CHECK(Session::create(tiny(), {.threads = 1, .max_batch = 4096}).ok());
}

TEST_CASE("session: a batch whose columns are more than an int counts") {
  constexpr int side = 424;
  constexpr int columns = side * side * 3; // 4096 times this is above 2^31, 4096 * 1024 times the rows is not
  test::ModelParts parts;
  parts.description.graph = {
      .image_height = side,
      .image_width = side,
      .nodes = {{"p", {"image"}, Patches{side}},
                {"m", {"p"}, MeanRows{.rows = 1, .shift = 32, .output_type = kernels::ElementType::int32}}}};
  parts.description.recipe = squash_recipe(side, side);
  parts.set("m.multiplier", DType::i32, {columns}, std::vector<std::int32_t>(columns, 1));
  parts.set("m.offset", DType::i64, {columns}, std::vector<std::int64_t>(columns));
  parts.add_blank_golden(columns);
  const Result<ModelFile> file = ModelFile::parse(parts.file(), "m");
  REQUIRE(file.ok());
  const Result<std::shared_ptr<const Model>> model = Model::create(*file);
  REQUIRE(model.ok());
  CHECK(Session::required_arena_bytes(**model, {.threads = 1, .max_batch = 3981}).ok());
  const Result<std::size_t> bytes = Session::required_arena_bytes(**model, {.threads = 1, .max_batch = 3982});
  CHECK(bytes.status().code() == StatusCode::bad_argument);
  CHECK(bytes.status().message() == "batch 3982 is too large for this model");
}

TEST_CASE("session: a run takes from one image to the largest batch") {
  Result<Session> session = Session::create(tiny(), {.threads = 1, .max_batch = 2});
  REQUIRE(session.ok());
  CHECK(session->logits().empty()); // before the first run
  const std::vector<Image> images = test::random_images(3, 16, 16, 5);
  const std::array<const std::uint8_t *, 3> pointers{images[0].rgb.data(), images[1].rgb.data(), images[2].rgb.data()};
  REQUIRE(session->run(std::span(pointers).first(2)).ok());
  CHECK(session->logits().size() == 10);
  const std::vector<std::int32_t> logits(session->logits().begin(), session->logits().end());

  const Status none = session->run({});
  CHECK(none.code() == StatusCode::bad_argument);
  CHECK(none.message() == "a run takes 1 to 2 images, not 0");
  const Status many = session->run(pointers);
  CHECK(many.code() == StatusCode::bad_argument);
  CHECK(many.message() == "a run takes 1 to 2 images, not 3");
  CHECK(std::vector<std::int32_t>(session->logits().begin(), session->logits().end()) == logits);

  REQUIRE(session->run(std::span(pointers).first(1)).ok());
  CHECK(std::vector<std::int32_t>(session->logits().begin(), session->logits().end()) ==
        std::vector<std::int32_t>(logits.begin(), logits.begin() + 5));
}

TEST_CASE("session: it can be moved, and keeps its model alive") {
  Result<ModelFile> file = ModelFile::parse(test::tiny_model(), "m");
  REQUIRE(file.ok());
  Result<std::shared_ptr<const Model>> model = Model::create(*file);
  REQUIRE(model.ok());
  Result<Session> created = Session::create(*model, {.threads = 1});
  REQUIRE(created.ok());
  Session session = std::move(*created);
  const std::vector<std::int32_t> golden = file->golden_logits();
  const Image image{16, 16, {file->golden_image().begin(), file->golden_image().end()}};
  *model = nullptr;
  file = Status(StatusCode::io, "gone");
  Session moved = std::move(session);
  const std::array<const std::uint8_t *, 1> input{image.rgb.data()};
  REQUIRE(moved.run(input).ok());
  CHECK(std::vector<std::int32_t>(moved.logits().begin(), moved.logits().end()) == golden);
}

TEST_CASE("session: no more threads than OMP_THREAD_LIMIT allows") {
  const auto threads = [](const char *limit) {
    REQUIRE(::setenv("OMP_THREAD_LIMIT", limit, 1) == 0);
    const Result<Session> session = Session::create(tiny(), {.threads = 5});
    ::unsetenv("OMP_THREAD_LIMIT");
    REQUIRE(session.ok());
    return session->threads();
  };
  CHECK(threads("1") == 1);
  CHECK(threads("2") == (test::has_threads ? 2 : 1));
  for (const char *none : {"", "0", "-3", "many", "999999"})
    CHECK(threads(none) == (test::has_threads ? 5 : 1));
}

} // namespace
} // namespace intvit
