// Two values side by side in graphs, and where they do not fit.
#include <catch2/catch.hpp>

#include "tests/engine/graph/bind_messages.hpp"

namespace intvit {
namespace {

using test::bind_message;
using test::ModelParts;

TEST_CASE("bind: join") {
  // The last norm's codes twice, before the head, which then reads twice as many.
  ModelParts parts = test::tiny_parts();
  auto &nodes = parts.description.graph.nodes;
  nodes.insert(nodes.end() - 1, {"both", {"norm", "norm"}, Join{}});
  CHECK(bind_message(parts) == "");
  parts.node("head").inputs[0] = "both";
  CHECK(bind_message(parts).find("head.weight") != std::string::npos);

  parts.node("both").inputs = {"blocks.0.norm1", "norm"};
  CHECK(bind_message(parts) == "graph node both: its inputs must have one type and equally many rows");
  parts.node("both").inputs = {"norm", "features"};
  CHECK(bind_message(parts) == "graph node both: its inputs must have one type and equally many rows");
  for (const std::vector<std::string> &inputs : {std::vector<std::string>{"image", "norm"}, {"norm", "image"}}) {
    parts.node("both").inputs = inputs;
    CHECK(bind_message(parts) == "graph node both: its inputs must not be the image");
  }
}

TEST_CASE("bind: join of more columns than there may be") {
  // Doubled until one row has 2^24 columns, and once more.
  ModelParts parts = test::tiny_parts();
  auto &nodes = parts.description.graph.nodes;
  std::string last = "norm"; // 16 columns
  for (int columns = 32; columns <= 1 << 25; columns *= 2) {
    const std::string name = "join" + std::to_string(columns);
    nodes.insert(nodes.end() - 1, {name, {last, last}, Join{}});
    last = name;
  }
  CHECK(bind_message(parts) == "graph node join33554432: would give 33554432 columns, more than 16777216");
}

} // namespace
} // namespace intvit
