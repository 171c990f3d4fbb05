// Patch tokens that a graph names, and where they are none.
#include <catch2/catch.hpp>

#include "tests/engine/graph/bind_messages.hpp"

namespace intvit {
namespace {

using test::bind_message;
using test::ModelParts;

ModelParts token_parts() {
  ModelParts parts = test::tiny_parts();
  test::add_patch_tokens(parts);
  return parts;
}

TEST_CASE("bind: patch tokens") {
  const ModelParts parts = token_parts();
  CHECK(bind_message(parts) == "");
  const Result<ModelFile> file = ModelFile::parse(parts.file(), "m");
  REQUIRE(file.ok());
  const Result<Program> program = file->bind();
  REQUIRE(program.ok());
  const PatchTokens &tokens = program->patch_tokens;
  CHECK(program->nodes[static_cast<std::size_t>(tokens.value) - 1].name == "tokens");
  CHECK(tokens.first == 1);
  CHECK(tokens.grid_height == 2);
  CHECK(tokens.grid_width == 2);
  CHECK(tokens.channels == 16);
  CHECK(tokens.fraction_bits == parts.description.graph.token_fraction_bits);
}

TEST_CASE("bind: tokens that are not those of the patches") {
  ModelParts parts = token_parts();
  const std::string rows = "its output must be int32 and have a row for each prefix token and each patch";
  const auto message = [&](const std::string &name) {
    parts.description.graph.tokens = name;
    return bind_message(parts);
  };
  for (const char *name : {"nothing", "image"})
    CHECK(message(name) == "graph: tokens \"" + std::string(name) + "\": no node is so named");
  CHECK(message("blocks.0.norm1") == "graph: tokens \"blocks.0.norm1\": " + rows); // int8
  CHECK(message("features") == "graph: tokens \"features\": " + rows);             // one row
  auto &nodes = parts.description.graph.nodes;
  nodes.insert(nodes.end() - 1, {"some", {"tokens"}, TakeRows{4}});
  CHECK(message("some") == "graph: tokens \"some\": " + rows);
}

} // namespace
} // namespace intvit
