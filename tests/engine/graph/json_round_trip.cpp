// The graph's JSON form against literals: written as they stand, and read to the values they say.
#include <catch2/catch.hpp>

#include "engine/graph/json.hpp"
#include "tests/engine/graph/json_nodes.hpp"

namespace intvit {
namespace {

using nlohmann::json;
using test::graph_of;
using test::valid_node;

Graph parsed(const json &graph) {
  const Result<Graph> result = graph_from_json(graph.dump());
  INFO(result.status().message());
  REQUIRE(result.ok());
  return *result;
}

template <typename T> T parsed_operation(const std::string &variant) {
  const Graph graph = parsed(graph_of({valid_node(variant)}));
  REQUIRE(graph.nodes.size() == 1);
  CHECK(graph.nodes[0].name == valid_node(variant)["name"]);
  CHECK(graph.nodes[0].input == valid_node(variant)["input"]);
  return std::get<T>(graph.nodes[0].operation);
}

TEST_CASE("graph json: every operation is read to the values that stand there") {
  CHECK(parsed_operation<Patches>("patches").patch == 16);

  const auto embed = parsed_operation<PatchEmbed>("patch_embed");
  CHECK(embed.shift == 41);
  CHECK(embed.position_shift == 3);

  const auto norm = parsed_operation<LayerNorm>("layer_norm");
  CHECK(norm.shift == 42);
  CHECK(norm.epsilon == 123456789012);

  const auto requantize = parsed_operation<Linear>("linear requantize");
  CHECK(requantize.epilogue == kernels::Epilogue::requantize);
  CHECK(requantize.shift == 43);

  const auto gelu = parsed_operation<Linear>("linear gelu");
  CHECK(gelu.epilogue == kernels::Epilogue::gelu);
  CHECK(gelu.shift == 44);
  CHECK(gelu.gelu_fraction_bits == 11);

  const auto residual = parsed_operation<Linear>("linear residual");
  CHECK(residual.epilogue == kernels::Epilogue::residual);
  CHECK(residual.shift == 45);
  CHECK(residual.residual == "e");
  CHECK(residual.residual_shift == 9);
  CHECK(residual.output_type == kernels::CodeType::int16);

  const auto logits = parsed_operation<Linear>("linear logits");
  CHECK(logits.epilogue == kernels::Epilogue::logits);
  CHECK(logits.shift == 46);

  const auto attention = parsed_operation<Attention>("attention");
  CHECK(attention.heads == 3);
  CHECK(attention.queries == 1);
  CHECK(attention.softmax == kernels::Softmax::int8);
  CHECK_FALSE(attention.renormalize);
  CHECK(attention.score_shift == 20);
  CHECK(attention.exp.units_per_octave == 32);
  CHECK(attention.exp.linear == 124);
  CHECK(attention.exp.constant == 5951);
  CHECK(attention.exp.octaves == 10);
  CHECK(attention.shift == 47);

  CHECK(parsed_operation<TakeRows>("take_rows").rows == 1);
}

TEST_CASE("graph json: the graph's own fields") {
  const Graph graph = parsed(graph_of({valid_node("patches"), valid_node("patch_embed")}));
  CHECK(graph.image_height == 32);
  CHECK(graph.image_width == 48);
  CHECK(graph.logit_fraction_bits == 12);
  REQUIRE(graph.nodes.size() == 2);
  CHECK(graph.nodes[0].name == "p");
  CHECK(graph.nodes[1].name == "e");
}

TEST_CASE("graph json: writing gives back every field and nothing else") {
  std::vector<json> all;
  for (const test::NodeCase &entry : test::valid_nodes()) {
    CAPTURE(entry.variant);
    const json graph = graph_of({entry.node});
    CHECK(json::parse(graph_to_json(parsed(graph))) == graph);
    all.push_back(entry.node);
  }
  const json graph = graph_of(all);
  CHECK(json::parse(graph_to_json(parsed(graph))) == graph);
}

TEST_CASE("graph json: the ends of every range survive the round trip") {
  for (const test::IntegerField &range : test::integer_fields())
    for (const std::int64_t value : {range.low, range.high}) {
      CAPTURE(range.variant, range.field, value);
      json node = valid_node(range.variant);
      node[range.field] = value;
      CHECK(json::parse(graph_to_json(parsed(graph_of({node})))) == graph_of({node}));
    }
  for (const char *word : {"lis4", "lis8", "int8", "int16"}) {
    json node = valid_node("attention");
    node["softmax"] = word;
    CHECK(json::parse(graph_to_json(parsed(graph_of({node})))) == graph_of({node}));
  }
  for (const char *word : {"int16", "int8"}) {
    json node = valid_node("linear residual");
    node["output_type"] = word;
    CHECK(json::parse(graph_to_json(parsed(graph_of({node})))) == graph_of({node}));
  }
}

TEST_CASE("graph json: names may hold any text") {
  json node = valid_node("patches");
  node["name"] = "quote\" backslash\\ newline\n caf\u00e9 \U0001F41D";
  CHECK(json::parse(graph_to_json(parsed(graph_of({node})))) == graph_of({node}));
}

TEST_CASE("graph json: the order of keys and blanks between them do not matter") {
  const Result<Graph> graph =
      graph_from_json(" {\n\"nodes\" : [ {\"patch\":4 ,\"input\":\"image\",\t\"op\":\"patches\",\"name\":\"p\"} ],\r\n"
                      "\"logit_fraction_bits\":0,\"image_width\":8,\"image_height\":4}  ");
  REQUIRE(graph.ok());
  CHECK(graph->image_width == 8);
  CHECK(std::get<Patches>(graph->nodes[0].operation).patch == 4);
}

} // namespace
} // namespace intvit
