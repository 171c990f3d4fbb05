#include "engine/graph/json.hpp"

#include <array>
#include <limits>

#include <nlohmann/json.hpp>

#include "engine/container/json_text.hpp"
#include "kernels/gelu.hpp"
#include "kernels/kernel_table.hpp"

namespace intvit {

namespace {

using kernels::ElementType;
using kernels::Epilogue;
using kernels::Softmax;
using nlohmann::json;

template <typename Enum> struct EnumName {
  Enum value;
  const char *text;
};

constexpr std::array epilogue_names{
    EnumName<Epilogue>{Epilogue::requantize, "requantize"}, EnumName<Epilogue>{Epilogue::requantize16, "requantize16"},
    EnumName<Epilogue>{Epilogue::gelu, "gelu"}, EnumName<Epilogue>{Epilogue::residual, "residual"},
    EnumName<Epilogue>{Epilogue::logits, "logits"}};
constexpr std::array softmax_names{EnumName<Softmax>{Softmax::lis4, softmax_name(Softmax::lis4)},
                                   EnumName<Softmax>{Softmax::lis8, softmax_name(Softmax::lis8)},
                                   EnumName<Softmax>{Softmax::int8, softmax_name(Softmax::int8)},
                                   EnumName<Softmax>{Softmax::int16, softmax_name(Softmax::int16)}};
constexpr std::array code_type_names{EnumName<ElementType>{ElementType::int8, "int8"},
                                     EnumName<ElementType>{ElementType::int16, "int16"}};
constexpr std::array output_type_names{EnumName<ElementType>{ElementType::int8, "int8"},
                                       EnumName<ElementType>{ElementType::int16, "int16"},
                                       EnumName<ElementType>{ElementType::int32, "int32"}};

constexpr int max_image_side = 1 << 14; // pixels
constexpr int max_fraction_bits = 30;   // of logits and features

template <typename Names, typename Enum> const char *text_of(const Names &names, Enum value) {
  for (const auto &entry : names)
    if (entry.value == value)
      return entry.text;
  return "";
}

// Each operation lists its fields once, for reading and for writing: `fields` is a Reader or a Writer. A field with a
// default, which files of the first version do not have, is left out where it has that value.
template <typename Fields> void describe(Fields &f, Patches &op) {
  f.integer("patch", op.patch, 1, 4096);
}

template <typename Fields> void describe(Fields &f, PatchEmbed &op) {
  f.integer("shift", op.shift, kernels::min_shift, kernels::max_shift);
  f.integer("position_shift", op.position_shift, 0, kernels::max_residual_shift(ElementType::int16));
  if (f.has("prefix_rows", op.prefix_rows != PatchEmbed{}.prefix_rows))
    f.integer("prefix_rows", op.prefix_rows, 0, kernels::max_tokens - 1);
}

template <typename Fields> void describe(Fields &f, LayerNorm &op) {
  f.integer("shift", op.shift, kernels::min_shift, kernels::max_shift);
  f.integer("epsilon", op.epsilon, 0, kernels::max_layer_norm_epsilon);
  if (f.has("output_type", op.output_type != ElementType::int8))
    f.choice("output_type", op.output_type, output_type_names);
}

template <typename Fields> void describe(Fields &f, Linear &op) {
  f.choice("epilogue", op.epilogue, epilogue_names);
  f.integer("shift", op.shift, kernels::min_shift, kernels::max_shift);
  if (op.epilogue == Epilogue::gelu)
    f.integer("gelu_fraction_bits", op.gelu_fraction_bits, kernels::min_gelu_fraction_bits,
              kernels::max_gelu_fraction_bits);
  if (op.epilogue == Epilogue::residual) {
    f.text("residual", op.residual);
    f.integer("residual_shift", op.residual_shift, 0, kernels::max_residual_shift(ElementType::int8));
    f.choice("output_type", op.output_type, code_type_names);
  }
}

template <typename Fields> void describe_softmax(Fields &f, Attention &op) {
  f.integer("heads", op.heads, 1, 1024);
  f.choice("softmax", op.softmax, softmax_names);
  f.boolean("renormalize", op.renormalize);
  f.integer("score_shift", op.score_shift, 1, 31);
  f.integer("units_per_octave", op.exp.units_per_octave, 1, 255);
  f.integer("exp_linear", op.exp.linear, 0, 1 << 15);
  f.integer("exp_constant", op.exp.constant, 1, 1 << 30);
  f.integer("exp_octaves", op.exp.octaves, 0, 30);
  f.integer("shift", op.shift, kernels::min_shift, kernels::max_shift);
}

template <typename Fields> void describe(Fields &f, Attention &op) {
  describe_softmax(f, op);
  f.integer("queries", op.queries, 0, kernels::max_tokens);
}

template <typename Fields> void describe(Fields &f, WindowAttention &op) {
  describe_softmax(f, op.attention);
  f.integer("grid_height", op.grid_height, 1, max_image_side);
  f.integer("grid_width", op.grid_width, 1, max_image_side);
  f.integer("window", op.window, 1, max_window);
  f.integer("window_shift", op.window_shift, 0, max_window - 1);
}

template <typename Fields> void describe(Fields &f, TakeRows &op) {
  f.integer("rows", op.rows, 1, kernels::max_tokens);
}

template <typename Fields> void describe(Fields &f, MeanRows &op) {
  f.integer("first", op.first, 0, kernels::max_mean_rows - 1);
  f.integer("rows", op.rows, 1, kernels::max_mean_rows);
  f.integer("shift", op.shift, kernels::min_shift, kernels::max_shift);
  f.choice("output_type", op.output_type, output_type_names);
}

template <typename Fields> void describe(Fields &, Flatten &) {}

template <typename Fields> void describe(Fields &f, MergePatches &op) {
  f.integer("grid_height", op.grid_height, 2, max_image_side);
  f.integer("grid_width", op.grid_width, 2, max_image_side);
}

// In the order of the variant's alternatives.
constexpr std::array operation_names{"patches",          "patch_embed", "layer_norm", "linear",  "attention",
                                     "window_attention", "take_rows",   "mean_rows",  "flatten", "merge_patches"};
static_assert(operation_names.size() == std::variant_size_v<Operation>);

class Writer {
public:
  explicit Writer(json &object) : object_(object) {}

  template <typename T> void integer(const char *key, const T &value, std::int64_t, std::int64_t) {
    object_[key] = value;
  }
  template <typename Enum, typename Names> void choice(const char *key, const Enum &value, const Names &names) {
    object_[key] = text_of(names, value);
  }
  void text(const char *key, const std::string &value) { object_[key] = value; }
  bool has(const char *, bool differs) const { return differs; }
  void boolean(const char *key, const bool &value) { object_[key] = value; }

private:
  json &object_;
};

// Takes every known field out of an object; the first error is kept, what is left over is unknown.
class Reader {
public:
  explicit Reader(const json &object) : object_(object) {}

  template <typename T> void integer(const char *key, T &value, std::int64_t low, std::int64_t high) {
    const json *field = take(key);
    if (field == nullptr)
      return;
    const bool fits = field->is_number_unsigned()
                          ? field->get<std::uint64_t>() <= std::numeric_limits<std::int64_t>::max()
                          : field->is_number_integer();
    if (!fits || field->get<std::int64_t>() < low || field->get<std::int64_t>() > high)
      return fail(std::string("\"") + key + "\" must be an integer from " + std::to_string(low) + " to " +
                  std::to_string(high));
    value = static_cast<T>(field->get<std::int64_t>());
  }

  template <typename Enum, typename Names> void choice(const char *key, Enum &value, const Names &names) {
    std::string word;
    text(key, word);
    if (failed())
      return;
    for (const auto &entry : names)
      if (word == entry.text) {
        value = entry.value;
        return;
      }
    fail(std::string("\"") + key + "\" is \"" + word + "\", which this version does not know");
  }

  void text(const char *key, std::string &value) {
    if (const json *field = take(key)) {
      if (field->is_string())
        value = field->get<std::string>();
      else
        fail(std::string("\"") + key + "\" must be a string");
    }
  }

  void boolean(const char *key, bool &value) {
    if (const json *field = take(key)) {
      if (field->is_boolean())
        value = field->get<bool>();
      else
        fail(std::string("\"") + key + "\" must be true or false");
    }
  }

  // Whether a field that has a default stands there.
  bool has(const char *key, bool) const { return object_.contains(key); }

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
    if (name != operation_names[Index])
      return make_operation<Index + 1>(name, operation);
    operation.emplace<Index>();
    return true;
  }
}

Status node_from_json(const json &object, std::size_t position, Node &node) {
  const std::string where = "graph node " + std::to_string(position);
  if (!object.is_object())
    return Status(StatusCode::bad_format, where + " must be an object");
  Reader fields(object);
  std::string kind;
  fields.text("name", node.name);
  fields.text("op", kind);
  fields.text("input", node.input);
  if (!fields.failed() && !make_operation(kind, node.operation))
    return Status(StatusCode::unsupported, where + " (" + node.name + "): operation \"" + kind +
                                               "\" is not known to this version; use a newer intvit");
  if (!fields.failed())
    std::visit([&](auto &operation) { describe(fields, operation); }, node.operation);
  const std::string error = fields.finish();
  if (!error.empty())
    return Status(StatusCode::bad_format, where + (node.name.empty() ? "" : " (" + node.name + ")") + ": " + error);
  return {};
}

} // namespace

const char *operation_name(const Operation &operation) {
  return operation_names[operation.index()];
}

std::string graph_to_json(const Graph &graph) {
  json nodes = json::array();
  for (const Node &node : graph.nodes) {
    json object = {{"name", node.name}, {"op", operation_name(node.operation)}, {"input", node.input}};
    Operation operation = node.operation; // describe() serves reading too and so takes a mutable operation
    Writer fields(object);
    std::visit([&](auto &op) { describe(fields, op); }, operation);
    nodes.push_back(std::move(object));
  }
  json root = {{"image_height", graph.image_height},
               {"image_width", graph.image_width},
               {"logit_fraction_bits", graph.logit_fraction_bits},
               {"nodes", std::move(nodes)}};
  if (!graph.features.empty()) {
    root["features"] = graph.features;
    root["feature_fraction_bits"] = graph.feature_fraction_bits;
  }
  return root.dump();
}

Result<Graph> graph_from_json(std::string_view text) {
  const json root = parse_json_text(text);
  if (root.is_discarded() || !root.is_object())
    return Status(StatusCode::bad_format, "graph: not a JSON object");

  Graph graph;
  Reader fields(root);
  fields.integer("image_height", graph.image_height, 1, max_image_side);
  fields.integer("image_width", graph.image_width, 1, max_image_side);
  fields.integer("logit_fraction_bits", graph.logit_fraction_bits, 0, max_fraction_bits);
  const bool has_features = root.contains("features");
  if (has_features) {
    fields.text("features", graph.features);
    fields.integer("feature_fraction_bits", graph.feature_fraction_bits, 0, max_fraction_bits);
    if (!fields.failed() && graph.features.empty())
      fields.fail("\"features\" names no node");
  }
  const auto nodes = root.find("nodes");
  if (!fields.failed() && (nodes == root.end() || !nodes->is_array() || nodes->empty()))
    fields.fail("\"nodes\" must be a list that is not empty");
  if (!fields.failed() && nodes->size() > max_graph_nodes)
    fields.fail("\"nodes\" has more than " + std::to_string(max_graph_nodes) + " nodes");
  if (!fields.failed() && root.size() != (has_features ? 6 : 4))
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
