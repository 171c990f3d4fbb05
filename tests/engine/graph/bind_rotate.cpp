// Tables of rotations that do not fit what they turn.
#include <algorithm>
#include <string>
#include <variant>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/runtime/model.hpp"
#include "tests/engine/graph/bind_messages.hpp"

namespace intvit {
namespace {

using test::bind_message;
using test::ModelParts;

TEST_CASE("bind: rotate") {
  ModelParts parts = test::tiny_parts();
  auto &nodes = parts.description.graph.nodes;
  const auto attention = std::find_if(
      nodes.begin(), nodes.end(), [](const Node &node) { return std::holds_alternative<Attention>(node.operation); });
  REQUIRE(attention != nodes.end());
  const int heads = std::get<Attention>(attention->operation).heads;
  const std::string qkv = attention->inputs[0];
  attention->inputs[0] = "turned";
  nodes.insert(attention, {"turned", {qkv}, Rotate{.heads = heads, .first = 1}});
  const auto tables = [&](std::int64_t rows, std::int64_t columns, std::int16_t value) {
    for (const char *name : {"turned.cosine", "turned.sine"})
      parts.set(name, DType::i16, {rows, columns},
                std::vector<std::int16_t>(static_cast<std::size_t>(rows * columns), value));
  };
  const std::int64_t pairs = 16 / heads / 2;
  tables(4, pairs, 16384);
  CHECK(bind_message(parts) == "");
  tables(4, heads * pairs, -16384);
  CHECK(bind_message(parts) == "");
  tables(4, pairs, 16385);
  CHECK(bind_message(parts) == "graph node turned: a cosine or sine is beyond 16384");
  tables(4, pairs + 1, 0);
  CHECK(bind_message(parts).find("turned.cosine") != std::string::npos);
  tables(5, pairs, 0);
  CHECK(bind_message(parts).find("turned.cosine") != std::string::npos);
  parts.operation<Rotate>("turned").first = 5;
  CHECK(bind_message(parts) == "graph node turned: leaves 5 rows of 5 as they are");
  parts.operation<Rotate>("turned").first = 0;
  CHECK(bind_message(parts) == "");
  parts.operation<Rotate>("turned").heads = 3;
  const std::string wanted =
      "graph node turned: its input must be int8 with 3 * heads * head_dim columns, head_dim even";
  CHECK(bind_message(parts) == wanted);
  parts.operation<Rotate>("turned").heads = heads;
  nodes.erase(nodes.begin(),
              std::find_if(nodes.begin(), nodes.end(), [](const Node &n) { return n.name == "turned"; }));
  nodes.front().inputs[0] = "image";
  CHECK(bind_message(parts) == wanted);
}

} // namespace
} // namespace intvit
