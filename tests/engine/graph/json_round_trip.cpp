// The graph's JSON form against literals: written as they stand, and read to the values they say.
#include <algorithm>
#include <map>
#include <set>

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
  CHECK(graph.nodes[0].inputs[0] == valid_node(variant)["input"]);
  if (valid_node(variant).contains("residual"))
    CHECK(graph.nodes[0].inputs.at(1) == valid_node(variant)["residual"]);
  for (const char *second : {"sizes", "groups"})
    if (valid_node(variant).contains(second))
      CHECK(graph.nodes[0].inputs.at(1) == valid_node(variant)[second]);
  return std::get<T>(graph.nodes[0].operation);
}

TEST_CASE("graph json: every operation is read to the values that stand there") {
  CHECK(parsed_operation<Patches>("patches").patch == 16);
  CHECK_FALSE(parsed_operation<Patches>("patches").partial);
  CHECK(parsed_operation<Patches>("patches partial").patch == 15);
  CHECK(parsed_operation<Patches>("patches partial").partial);

  const auto embed = parsed_operation<PatchEmbed>("patch_embed");
  CHECK(embed.shift == 41);
  CHECK(embed.position_shift == 3);

  CHECK(embed.prefix_rows == 1);
  CHECK(parsed_operation<PatchEmbed>("patch_embed prefix").prefix_rows == 5);

  const auto norm = parsed_operation<LayerNorm>("layer_norm");
  CHECK(norm.shift == 42);
  CHECK(norm.epsilon == 123456789012);
  CHECK(norm.output_type == kernels::ElementType::int8);
  CHECK(parsed_operation<LayerNorm>("layer_norm output").output_type == kernels::ElementType::int32);

  const auto requantize = parsed_operation<Linear>("linear requantize");
  CHECK(requantize.epilogue == kernels::Epilogue::requantize);
  CHECK(requantize.shift == 43);

  CHECK(parsed_operation<Linear>("linear requantize16").epilogue == kernels::Epilogue::requantize16);

  const auto gelu = parsed_operation<Linear>("linear gelu");
  CHECK(gelu.epilogue == kernels::Epilogue::gelu);
  CHECK(gelu.shift == 44);
  CHECK(gelu.gelu_fraction_bits == 11);
  CHECK(gelu.gelu_function == kernels::GeluFunction::gelu);
  CHECK(parsed_operation<Linear>("linear quick_gelu").gelu_function == kernels::GeluFunction::quick);
  CHECK(parsed_operation<Linear>("linear silu").gelu_function == kernels::GeluFunction::silu);

  const auto residual = parsed_operation<Linear>("linear residual");
  CHECK(residual.epilogue == kernels::Epilogue::residual);
  CHECK(residual.shift == 45);
  CHECK(residual.residual_shift == 9);
  CHECK(residual.output_type == kernels::ElementType::int16);

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

  const auto windows = parsed_operation<WindowAttention>("window_attention");
  CHECK(windows.attention.heads == 4);
  CHECK(windows.attention.queries == 0);
  CHECK(windows.attention.softmax == kernels::Softmax::lis8);
  CHECK(windows.attention.shift == 36);
  CHECK(windows.grid_height == 28);
  CHECK(windows.grid_width == 14);
  CHECK(windows.window == 7);
  CHECK(windows.window_shift == 3);

  CHECK(parsed_operation<TakeRows>("take_rows").rows == 1);

  const auto unit = parsed_operation<L2Normalize>("l2_normalize");
  CHECK(unit.shift == 44);
  CHECK(unit.output_type == kernels::ElementType::int8);

  CHECK(parsed_operation<Multiply>("multiply").shift == 50);
  CHECK(parsed_operation<Multiply>("multiply").output_type == kernels::ElementType::int16);

  CHECK(parsed_operation<Rotate>("rotate").heads == 4);
  CHECK(parsed_operation<Rotate>("rotate").first == 5);

  CHECK(parsed_operation<Rescale>("rescale").shift == 37);
  CHECK(parsed_operation<Rescale>("rescale").output_type == kernels::ElementType::int16);
  CHECK_FALSE(parsed_operation<Rescale>("rescale").adds);
  CHECK(parsed_operation<Rescale>("rescale residual").adds);
  CHECK(parsed_operation<Rescale>("rescale residual").residual_shift == 6);

  CHECK(parsed_operation<NormalizeHeads>("normalize_heads").heads == 6);
  CHECK(parsed_operation<NormalizeHeads>("normalize_heads").shift == 38);

  const auto pad = parsed_operation<PadGrid>("pad_grid").padding;
  CHECK(std::vector{pad.grid_height, pad.grid_width, pad.padded_height, pad.padded_width, pad.rolled} ==
        std::vector{10, 9, 14, 15, 3});
  const auto crop = parsed_operation<CropGrid>("crop_grid").padding;
  CHECK(std::vector{crop.grid_height, crop.grid_width, crop.padded_height, crop.padded_width, crop.rolled} ==
        std::vector{11, 8, 13, 16, 2});

  const auto mean = parsed_operation<MeanRows>("mean_rows");
  CHECK(mean.first == 5);
  CHECK(mean.rows == 49);
  CHECK(mean.shift == 48);
  CHECK(mean.output_type == kernels::ElementType::int16);

  CHECK_FALSE(attention.sized);
  CHECK_FALSE(mean.sized);
  CHECK(parsed_operation<Attention>("attention sizes").sized);
  CHECK(parsed_operation<MeanRows>("mean_rows sizes").sized);

  const auto match = parsed_operation<MatchTokens>("match_tokens");
  CHECK(match.pairs == 12);
  CHECK(match.first == 2);
  CHECK(match.weighted);
  CHECK_FALSE(match.attention.sized);
  CHECK(match.attention.heads == 6);
  CHECK(match.attention.score_shift == 16);
  CHECK(match.attention.exp.units_per_octave == 19);
  CHECK(match.attention.exp.octaves == 9);
  CHECK(parsed_operation<MatchTokens>("match_tokens sizes").attention.sized);
  parsed_operation<MergeTokens>("merge_tokens");

  parsed_operation<Flatten>("flatten");

  const auto merge = parsed_operation<MergePatches>("merge_patches");
  CHECK(merge.grid_height == 14);
  CHECK(merge.grid_width == 28);
}

// What engine/ops/operation.hpp asks of an operation and no compiler checks.
TEST_CASE("graph json: operations read what a step has room for, and need features that they admit to") {
  std::set<std::string_view> seen;
  std::vector<std::string_view> softmax(Attention::all_features.begin(), Attention::all_features.end());
  for (const test::NodeCase &entry : test::valid_nodes()) {
    CAPTURE(entry.variant);
    const Operation operation = parsed(graph_of({entry.node})).nodes[0].operation;
    seen.insert(operation_name(operation));
    std::visit(
        [&](const auto &op) {
          CHECK(op.inputs().size() <= max_inputs);
          CHECK(std::string_view(op.inputs().at(0)) == "input");
          std::vector<std::string_view> known = softmax; // which windows share with Attention
          known.insert(known.end(), op.all_features.begin(), op.all_features.end());
          for (const std::string_view feature : op.features())
            CHECK(std::find(known.begin(), known.end(), feature) != known.end());
        },
        operation);
  }
  CHECK(seen.size() == std::variant_size_v<Operation>);
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

TEST_CASE("graph json: features besides the result, where the graph names some") {
  json graph = graph_of({valid_node("patches")});
  CHECK(parsed(graph).features.empty());
  graph["features"] = "p";
  graph["feature_fraction_bits"] = 7;
  CHECK(parsed(graph).features == "p");
  CHECK(parsed(graph).feature_fraction_bits == 7);
  CHECK(json::parse(graph_to_json(parsed(graph))) == graph);
}

TEST_CASE("graph json: patch tokens, where the graph names some") {
  json graph = graph_of({valid_node("patches")});
  CHECK(parsed(graph).tokens.empty());
  graph["tokens"] = "p";
  graph["token_fraction_bits"] = 9;
  CHECK(parsed(graph).tokens == "p");
  CHECK(parsed(graph).token_fraction_bits == 9);
  CHECK(json::parse(graph_to_json(parsed(graph))) == graph);
}

TEST_CASE("graph json: the result is named only where the last operation does not imply it") {
  json logits = graph_of({valid_node("patches"), valid_node("linear logits")});
  CHECK(parsed(logits).result_kind() == ResultKind::logits);
  json embedding = graph_of({valid_node("patches")});
  CHECK(parsed(embedding).result_kind() == ResultKind::embedding);

  logits["result"] = "embedding";
  CHECK(parsed(logits).result_kind() == ResultKind::embedding);
  CHECK(json::parse(graph_to_json(parsed(logits))) == logits);
  embedding["result"] = "logits";
  CHECK(parsed(embedding).result_kind() == ResultKind::logits);
  CHECK(json::parse(graph_to_json(parsed(embedding))) == embedding);

  embedding["result"] = "embedding"; // what is implied is not written
  CHECK_FALSE(json::parse(graph_to_json(parsed(embedding))).contains("result"));
  for (const auto &[word, kind] : {std::pair("labels", ResultKind::labels), {"scores", ResultKind::scores}})
    for (json *graph : {&logits, &embedding}) {
      (*graph)["result"] = word;
      CHECK(parsed(*graph).result_kind() == kind);
      CHECK(json::parse(graph_to_json(parsed(*graph))) == *graph);
    }
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

TEST_CASE("graph json: a field with a default is read as it and left out where it stands") {
  for (const test::NodeCase &entry : test::valid_nodes()) {
    if (entry.optional_field.empty())
      continue;
    CAPTURE(entry.variant);
    json without = entry.node;
    without.erase(entry.optional_field);
    if (entry.optional_field == "residual")
      without.erase("residual_shift"); // of it
    CHECK(json::parse(graph_to_json(parsed(graph_of({without})))) == graph_of({without}));
    const std::map<std::string, json> defaults = {{"prefix_rows", 1}, {"output_type", "int8"},
                                                  {"partial", false}, {"gelu_function", "gelu"},
                                                  {"centred", true},  {"biased", false}};
    if (entry.optional_field == "sizes" || entry.optional_field == "residual") // inputs, which there are or not
      continue;
    json with_default = entry.node;
    with_default[entry.optional_field] = defaults.at(entry.optional_field);
    CHECK(json::parse(graph_to_json(parsed(graph_of({with_default})))) == graph_of({without}));
  }
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
  for (const auto &[variant, word] : {std::pair("linear residual", "int16"),
                                      {"linear residual", "int8"},
                                      {"layer_norm output", "int16"},
                                      {"layer_norm output", "int32"},
                                      {"mean_rows", "int8"},
                                      {"mean_rows", "int16"},
                                      {"mean_rows", "int32"},
                                      {"l2_normalize", "int16"},
                                      {"l2_normalize", "int32"}}) {
    json node = valid_node(variant);
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
