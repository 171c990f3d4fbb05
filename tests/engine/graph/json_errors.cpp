// Each way in which a graph's JSON can be wrong, against its message.
#include <catch2/catch.hpp>

#include "engine/graph/json.hpp"
#include "tests/engine/graph/json_nodes.hpp"

namespace intvit {
namespace {

using nlohmann::json;
using test::graph_of;
using test::valid_node;

void check_text(const std::string &text, const std::string &message, StatusCode code = StatusCode::bad_format) {
  CAPTURE(text);
  const Result<Graph> graph = graph_from_json(text);
  CHECK_FALSE(graph.ok());
  CHECK(graph.status().code() == code);
  CHECK(graph.status().message() == message);
}

void check_graph(const json &graph, const std::string &message) {
  check_text(graph.dump(), "graph: " + message);
}

// The node as the second of a graph, so that its position is not the default.
void check_node(const json &node, const std::string &message, StatusCode code = StatusCode::bad_format) {
  check_text(graph_of({valid_node("patches"), node}).dump(), "graph node 1" + message, code);
}

std::string in_node(const json &node) {
  return " (" + node["name"].get<std::string>() + "): ";
}

std::string quoted(const std::string &field) {
  return "\"" + field + "\"";
}

TEST_CASE("graph json errors: not a JSON object") {
  for (const char *text : {"", "graph", "[]", "null", "3", "\"{}\"", "{", "{}}", "{\"nodes\":[}", "{'nodes':[]}",
                           "{\"nodes\":[],}", "{\"a\":1e999}", "{\"a\":\"\xE9\"}", "{\"a\":\"\\ud800\"}"})
    check_text(text, "graph: not a JSON object");
  check_text(std::string(100000, '['), "graph: not a JSON object");
  check_text(std::string(100000, '[') + std::string(100000, ']'), "graph: not a JSON object");
}

TEST_CASE("graph json errors: the graph's own fields") {
  const json graph = graph_of({valid_node("patches")});
  struct Range {
    const char *field;
    std::int64_t high;
    std::int64_t low;
  };
  for (const Range &range :
       {Range{"image_height", 16384, 1}, Range{"image_width", 16384, 1}, Range{"logit_fraction_bits", 30, 0}}) {
    CAPTURE(range.field);
    json changed = graph;
    changed.erase(range.field);
    check_graph(changed, quoted(range.field) + " is missing");
    const std::string message = quoted(range.field) + " must be an integer from " + std::to_string(range.low) + " to " +
                                std::to_string(range.high);
    for (const json &value :
         {json(range.low - 1), json(range.high + 1), json(1.0), json("1"), json(nullptr), json(true), json::array()}) {
      changed[range.field] = value;
      check_graph(changed, message);
    }
    for (const std::int64_t value : {range.low, range.high}) {
      changed[range.field] = value;
      CHECK(graph_from_json(changed.dump()).ok());
    }
  }
  for (const json &nodes : {json(nullptr), json("p"), json::object(), json::array()}) {
    json changed = graph;
    changed["nodes"] = nodes;
    check_graph(changed, "\"nodes\" must be a list that is not empty");
  }
  json changed = graph;
  changed.erase("nodes");
  check_graph(changed, "\"nodes\" must be a list that is not empty");
  changed = graph;
  changed["batch"] = 1;
  check_graph(changed, "has a field that this version does not know");
}

TEST_CASE("graph json errors: features and tokens, and their units") {
  for (const auto &[key, unit] :
       {std::pair<std::string, std::string>{"features", "feature_fraction_bits"}, {"tokens", "token_fraction_bits"}}) {
    json graph = graph_of({valid_node("patches")});
    graph[unit] = 3;
    check_graph(graph, "has a field that this version does not know"); // of nothing
    graph[key] = "p";
    CHECK(graph_from_json(graph.dump()).ok());
    for (const json &value : {json(-1), json(31), json("1"), json(1.0)}) {
      graph[unit] = value;
      check_graph(graph, quoted(unit) + " must be an integer from 0 to 30");
    }
    graph[unit] = 30;
    graph[key] = 1;
    check_graph(graph, quoted(key) + " must be a string");
    graph[key] = "";
    check_graph(graph, quoted(key) + " names no node");
    graph[key] = "p";
    graph["batch"] = 1;
    check_graph(graph, "has a field that this version does not know");
    graph.erase("batch");
    graph.erase(unit);
    check_graph(graph, quoted(unit) + " is missing");
  }
}

TEST_CASE("graph json errors: more nodes than can be planned for") {
  // Planning takes quadratic time, and the sizes of so many values still add up to less than 2^63.
  const std::string node = valid_node("patches").dump();
  const auto graph_of_copies = [&](int count) {
    std::string text = graph_of({valid_node("patches")}).dump();
    std::string more;
    for (int i = 1; i < count; ++i)
      more += "," + node;
    return graph_from_json(text.insert(text.find(node) + node.size(), more));
  };
  CHECK(graph_of_copies(16384).ok());
  CHECK(graph_of_copies(16385).status().message() == "graph: \"nodes\" has more than 16384 nodes");
}

TEST_CASE("graph json errors: a node that is not an object") {
  for (const json &node : {json(nullptr), json(1), json("patches"), json::array(), json(false)})
    check_node(node, " must be an object");
  check_node(json::object(), ": \"name\" is missing");
}

TEST_CASE("graph json errors: every field of every operation missing, and one too many") {
  for (const test::NodeCase &entry : test::valid_nodes()) {
    CAPTURE(entry.variant);
    for (const auto &[field, value] : entry.node.items()) {
      json node = entry.node;
      node.erase(field);
      if (field == entry.optional_field)
        continue;
      check_node(node, (field == "name" ? std::string(": ") : in_node(entry.node)) + quoted(field) + " is missing");
    }
    json node = entry.node;
    node["comment"] = "x";
    check_node(node, in_node(node) + "has a field that this version does not know");
  }
}

TEST_CASE("graph json errors: fields of another epilogue are unknown") {
  for (const char *variant : {"linear requantize", "linear requantize16", "linear logits", "linear residual"}) {
    json node = valid_node(variant);
    node["gelu_fraction_bits"] = 12;
    check_node(node, in_node(node) + "has a field that this version does not know");
  }
  for (const char *variant : {"linear requantize", "linear logits", "linear gelu"}) {
    json node = valid_node(variant);
    node["residual"] = "e";
    check_node(node, in_node(node) + "has a field that this version does not know");
  }
}

TEST_CASE("graph json errors: every field of every operation of the wrong type") {
  for (const test::NodeCase &entry : test::valid_nodes()) {
    for (const auto &[field, value] : entry.node.items()) {
      std::string message = quoted(field) + " must be a string";
      if (value.is_boolean())
        message = quoted(field) + " must be true or false";
      for (const json &wrong :
           {json(nullptr), json(7), json("x"), json(true), json(1.5), json::array({1}), json::object()}) {
        // Integers have a test of their own; a string where one belongs may be a word that is not known.
        if (value.is_number() || wrong.type() == value.type())
          continue;
        CAPTURE(entry.variant, field, wrong);
        json node = entry.node;
        node[field] = wrong;
        check_node(node, (field == "name" ? std::string(": ") : in_node(entry.node)) + message);
      }
    }
  }
}

TEST_CASE("graph json errors: every integer field out of its range or not an integer") {
  std::size_t integers = 0;
  for (const test::NodeCase &entry : test::valid_nodes())
    for (const auto &[field, value] : entry.node.items())
      integers += value.is_number() ? 1U : 0U;
  REQUIRE(test::integer_fields().size() == integers); // none is left out

  for (const test::IntegerField &range : test::integer_fields()) {
    const json valid = valid_node(range.variant);
    const std::string message = in_node(valid) + quoted(range.field) + " must be an integer from " +
                                std::to_string(range.low) + " to " + std::to_string(range.high);
    for (const json &wrong : {json(range.low - 1), json(range.high + 1), json(INT64_MIN), json(INT64_MAX),
                              json(UINT64_MAX), json(static_cast<double>(range.low)), json("1"), json(nullptr),
                              json(true), json::array({1}), json::object()}) {
      CAPTURE(range.variant, range.field, wrong);
      json node = valid;
      node[range.field] = wrong;
      check_node(node, message);
    }
  }
}

TEST_CASE("graph json errors: numbers that JSON cannot hold as integers") {
  json node = valid_node("layer_norm");
  std::string text = graph_of({valid_node("patches"), node}).dump();
  const std::string number = "123456789012";
  for (const char *wrong : {"1e3", "1.0", "18446744073709551616", "99999999999999999999", "-0.0"}) {
    std::string changed = text;
    changed.replace(changed.find(number), number.size(), wrong);
    check_text(changed, "graph node 1 (n): \"epsilon\" must be an integer from 0 to 1152921504606846976");
  }
}

TEST_CASE("graph json errors: words that are not known") {
  struct Choice {
    const char *variant;
    const char *field;
  };
  for (const Choice &choice : {Choice{"linear gelu", "epilogue"}, Choice{"linear residual", "output_type"},
                               Choice{"attention", "softmax"}, Choice{"layer_norm output", "output_type"},
                               Choice{"mean_rows", "output_type"}, Choice{"l2_normalize", "output_type"},
                               Choice{"multiply", "output_type"}, Choice{"linear quick_gelu", "gelu_function"}})
    for (const char *word : {"", "GELU", "int4", "requantize "}) {
      json node = valid_node(choice.variant);
      node[choice.field] = word;
      check_node(node, in_node(node) + quoted(choice.field) + " is \"" + word + "\", which this version does not know");
    }
}

TEST_CASE("graph json errors: an operation of a later version is unsupported, not malformed") {
  for (const char *kind : {"convolution", "", "Patches", "linear "}) {
    json node = valid_node("take_rows");
    node["op"] = kind;
    check_node(node, " (t): operation \"" + std::string(kind) + "\" is not known to this version; use a newer intvit",
               StatusCode::unsupported);
  }
}

TEST_CASE("graph json errors: the first node at fault is named") {
  json first = valid_node("take_rows");
  first["rows"] = 0;
  json second = valid_node("layer_norm");
  second["shift"] = 0;
  check_text(graph_of({first, second}).dump(), "graph node 0 (t): \"rows\" must be an integer from 1 to 16384");
  check_text(graph_of({valid_node("patches"), valid_node("patches"), second}).dump(),
             "graph node 2 (n): \"shift\" must be an integer from 32 to 62");
}

} // namespace
} // namespace intvit
