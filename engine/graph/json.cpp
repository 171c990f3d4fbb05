#include "engine/graph/json.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include <nlohmann/json.hpp>

#include "engine/container/json_text.hpp"

namespace intvit {

namespace {

using nlohmann::json;

constexpr int max_fraction_bits = 30; // of logits, features and tokens

constexpr std::array<std::string_view, 4> result_names{"logits", "embedding", "labels", "scores"}; // of ResultKind

class Writer : public Fields {
public:
  explicit Writer(json &object) : object_(object) {}

  using Fields::integer;
  void integer(const char *key, std::int64_t &value, std::int64_t, std::int64_t) override { object_[key] = value; }
  void boolean(const char *key, bool &value) override { object_[key] = value; }
  void text(const char *key, std::string &value) override { object_[key] = value; }
  bool has(const char *, bool differs) const override { return differs; }

private:
  void choose(const char *key, int &index, std::span<const std::string_view> names) override {
    object_[key] = names[static_cast<std::size_t>(index)];
  }

  json &object_;
};

// Takes every known field out of an object; the first error is kept, what is left over is unknown.
class Reader : public Fields {
public:
  explicit Reader(const json &object) : object_(object) {}

  using Fields::integer;
  void integer(const char *key, std::int64_t &value, std::int64_t low, std::int64_t high) override {
    const json *field = take(key);
    if (field == nullptr)
      return;
    const bool fits = field->is_number_unsigned()
                          ? field->get<std::uint64_t>() <= std::numeric_limits<std::int64_t>::max()
                          : field->is_number_integer();
    if (!fits || field->get<std::int64_t>() < low || field->get<std::int64_t>() > high)
      return fail(std::string("\"") + key + "\" must be an integer from " + std::to_string(low) + " to " +
                  std::to_string(high));
    value = field->get<std::int64_t>();
  }

  void boolean(const char *key, bool &value) override {
    if (const json *field = take(key)) {
      if (field->is_boolean())
        value = field->get<bool>();
      else
        fail(std::string("\"") + key + "\" must be true or false");
    }
  }

  void text(const char *key, std::string &value) override {
    if (const json *field = take(key)) {
      if (field->is_string())
        value = field->get<std::string>();
      else
        fail(std::string("\"") + key + "\" must be a string");
    }
  }

  // Whether a field that has a default stands there.
  bool has(const char *key, bool) const override { return object_.contains(key); }

  void fail(std::string reason) {
    if (error_.empty())
      error_ = std::move(reason);
  }

  bool failed() const { return !error_.empty(); }

  // The first error, or a field nobody asked for, or nothing.
  std::string finish() {
    if (!failed() && object_.size() != taken_)
      fail("has a field that this version does not know");
    return error_;
  }

private:
  void choose(const char *key, int &index, std::span<const std::string_view> names) override {
    std::string word;
    text(key, word);
    if (failed())
      return;
    const auto found = std::find(names.begin(), names.end(), word);
    if (found == names.end())
      return fail(std::string("\"") + key + "\" is \"" + word + "\", which this version does not know");
    index = static_cast<int>(found - names.begin());
  }

  const json *take(const char *key) {
    if (failed())
      return nullptr;
    const auto found = object_.find(key);
    if (found == object_.end()) {
      fail(std::string("\"") + key + "\" is missing");
      return nullptr;
    }
    ++taken_;
    return &*found;
  }

  const json &object_;
  std::size_t taken_ = 0;
  std::string error_;
};

template <std::size_t Index = 0> bool make_operation(std::string_view name, Operation &operation) {
  if constexpr (Index == std::variant_size_v<Operation>) {
    return false;
  } else {
    if (name != std::variant_alternative_t<Index, Operation>::name)
      return make_operation<Index + 1>(name, operation);
    operation.emplace<Index>();
    return true;
  }
}

std::vector<const char *> input_keys(const Operation &operation) {
  return std::visit([](const auto &op) { return op.inputs(); }, operation);
}

Status node_from_json(const json &object, std::size_t position, Node &node) {
  const std::string where = "graph node " + std::to_string(position);
  if (!object.is_object())
    return Status(StatusCode::bad_format, where + " must be an object");
  Reader fields(object);
  std::string kind;
  fields.text("name", node.name);
  fields.text("op", kind);
  if (!fields.failed() && !make_operation(kind, node.operation))
    return Status(StatusCode::unsupported, where + " (" + node.name + "): operation \"" + kind +
                                               "\" is not known to this version; use a newer intvit");
  if (!fields.failed()) {
    std::visit([&](auto &operation) { operation.describe(fields); }, node.operation);
    for (const char *key : input_keys(node.operation)) // only now, because they may depend on fields
      fields.text(key, node.inputs.emplace_back());
  }
  const std::string error = fields.finish();
  if (!error.empty())
    return Status(StatusCode::bad_format, where + (node.name.empty() ? "" : " (" + node.name + ")") + ": " + error);
  return {};
}

json node_to_json(const Node &node) {
  json object = {{"name", node.name}, {"op", operation_name(node.operation)}};
  const std::vector<const char *> keys = input_keys(node.operation);
  for (std::size_t i = 0; i < keys.size() && i < node.inputs.size(); ++i)
    object[keys[i]] = node.inputs[i];
  Operation operation = node.operation; // describe() serves reading too and so takes a mutable operation
  Writer fields(object);
  std::visit([&](auto &op) { op.describe(fields); }, operation);
  return object;
}

} // namespace

std::string_view operation_name(const Operation &operation) {
  return std::visit([](const auto &op) { return std::decay_t<decltype(op)>::name; }, operation);
}

ResultKind implied_result(const std::vector<Node> &nodes) {
  const auto *last = nodes.empty() ? nullptr : std::get_if<Linear>(&nodes.back().operation);
  return last != nullptr && last->epilogue == kernels::Epilogue::logits ? ResultKind::logits : ResultKind::embedding;
}

ResultKind Graph::result_kind() const {
  return result.value_or(implied_result(nodes));
}

std::string graph_to_json(const Graph &graph) {
  json nodes = json::array();
  for (const Node &node : graph.nodes)
    nodes.push_back(node_to_json(node));
  json root = {{"image_height", graph.image_height},
               {"image_width", graph.image_width},
               {"logit_fraction_bits", graph.logit_fraction_bits},
               {"nodes", std::move(nodes)}};
  if (graph.result_kind() != implied_result(graph.nodes))
    root["result"] = result_names[static_cast<std::size_t>(graph.result_kind())];
  if (!graph.features.empty()) {
    root["features"] = graph.features;
    root["feature_fraction_bits"] = graph.feature_fraction_bits;
  }
  if (!graph.tokens.empty()) {
    root["tokens"] = graph.tokens;
    root["token_fraction_bits"] = graph.token_fraction_bits;
  }
  return root.dump();
}

Result<Graph> graph_from_json(std::string_view text) {
  const json root = parse_json_text(text);
  if (root.is_discarded() || !root.is_object())
    return Status(StatusCode::bad_format, "graph: not a JSON object");

  Graph graph;
  Reader fields(root);
  fields.integer("image_height", graph.image_height, 1, max_graph_side);
  fields.integer("image_width", graph.image_width, 1, max_graph_side);
  fields.integer("logit_fraction_bits", graph.logit_fraction_bits, 0, max_fraction_bits);
  const bool has_result = root.contains("result");
  if (has_result)
    fields.choice("result", graph.result.emplace(), result_names);
  std::size_t named = 0; // values besides the result
  const auto value = [&](const char *key, const char *unit, std::string &name, int &fraction_bits) {
    if (!root.contains(key))
      return;
    ++named;
    fields.text(key, name);
    fields.integer(unit, fraction_bits, 0, max_fraction_bits);
    if (!fields.failed() && name.empty())
      fields.fail("\"" + std::string(key) + "\" names no node");
  };
  value("features", "feature_fraction_bits", graph.features, graph.feature_fraction_bits);
  value("tokens", "token_fraction_bits", graph.tokens, graph.token_fraction_bits);
  const auto nodes = root.find("nodes");
  if (!fields.failed() && (nodes == root.end() || !nodes->is_array() || nodes->empty()))
    fields.fail("\"nodes\" must be a list that is not empty");
  if (!fields.failed() && nodes->size() > max_graph_nodes)
    fields.fail("\"nodes\" has more than " + std::to_string(max_graph_nodes) + " nodes");
  if (!fields.failed() && root.size() != 4u + (has_result ? 1 : 0) + 2 * named)
    fields.fail("has a field that this version does not know");
  if (fields.failed())
    return Status(StatusCode::bad_format, "graph: " + fields.finish());

  graph.nodes.resize(nodes->size());
  for (std::size_t i = 0; i < nodes->size(); ++i)
    if (Status status = node_from_json((*nodes)[i], i, graph.nodes[i]); !status.ok())
      return status;
  return graph;
}

} // namespace intvit
