// Sizes that 32-bit processors cannot count.
#include <catch2/catch.hpp>

#include "engine/runtime/session.hpp"
#include "tests/support/model_parts.hpp"

namespace intvit {
namespace {

TEST_CASE("address space: an arena beyond it is refused, not wrapped around") {
  constexpr int side = 1024;
  constexpr int patch = 64;
  constexpr std::int64_t columns = patch * patch * 3;
  test::ModelParts parts;
  parts.description.graph = {.image_height = side,
                             .image_width = side,
                             .nodes = {{"patches", {"image"}, Patches{patch}},
                                       {"one", {"patches"}, TakeRows{1}},
                                       {"head", {"one"}, Linear{.epilogue = kernels::Epilogue::logits, .shift = 32}}}};
  parts.description.recipe = squash_recipe(side, side);
  parts.add_blank_golden(1);
  parts.set("head.weight", DType::i8, {1, columns}, std::vector<std::int8_t>(columns, 1));
  parts.set("head.multiplier", DType::i32, {1}, std::vector<std::int32_t>{1});
  parts.set("head.offset", DType::i64, {1}, std::vector<std::int64_t>{0});
  const Result<ModelFile> file = ModelFile::parse(parts.file(), "m");
  REQUIRE(file.ok());
  const Result<std::shared_ptr<const Model>> model = Model::create(*file);
  REQUIRE(model.ok());

  constexpr int batch = 2000;
  constexpr std::uint64_t least = std::uint64_t{side} * side * 3 * batch; // 6.3e9
  const Result<std::size_t> bytes = Session::required_arena_bytes(**model, {.threads = 1, .max_batch = batch});
  if (sizeof(std::size_t) == 4) {
    CHECK(bytes.status().code() == StatusCode::out_of_memory);
    CHECK(bytes.status().message().find("beyond this processor's memory") != std::string::npos);
  } else {
    REQUIRE(bytes.ok());
    CHECK(*bytes > least);
  }
}

} // namespace
} // namespace intvit
