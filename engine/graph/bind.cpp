#include <map>
#include <utility>

#include "engine/graph/program.hpp"

namespace intvit {

std::vector<ValueInfo> Program::input_infos(const BoundNode &node) const {
  std::vector<ValueInfo> infos;
  for (const int input : node.inputs)
    infos.push_back(values[static_cast<std::size_t>(input)]);
  return infos;
}

namespace {

// What the last node gives, and whether features besides it are what the graph says.
Status check_result(const Graph &graph, const std::map<std::string, int, std::less<>> &index, Program &program) {
  const ValueInfo &result = program.values.back();
  if (result.type != ElementType::int32 || result.rows != 1)
    return Status(StatusCode::bad_format, "graph: the last node must give one row of int32 logits or features");
  if (graph.features.empty())
    return {};
  if (program.result == ResultKind::embedding)
    return Status(StatusCode::bad_format, "graph: names features, but the last node gives no logits");
  const auto features = index.find(graph.features);
  program.features = features == index.end() ? 0 : features->second;
  program.feature_fraction_bits = graph.feature_fraction_bits;
  const ValueInfo &row = program.values[static_cast<std::size_t>(program.features)];
  if (static_cast<std::size_t>(program.features) + 1 == program.values.size() || row.type != ElementType::int32 ||
      row.rows != 1)
    return Status(StatusCode::bad_format, "graph: features \"" + graph.features +
                                              "\": no node before the last gives one row of int32 so named");
  return {};
}

// Null where there is none.
template <class Op> const Op *first_operation(const Graph &graph) {
  for (const Node &node : graph.nodes)
    if (const auto *operation = std::get_if<Op>(&node.operation))
      return operation;
  return nullptr;
}

// Whether every patch still has its row among the tokens that the graph names.
Status check_patch_tokens(const Graph &graph, const std::map<std::string, int, std::less<>> &index, Program &program) {
  if (graph.tokens.empty())
    return {};
  const auto fail = [&](const char *reason) {
    return Status(StatusCode::bad_format, "graph: tokens \"" + graph.tokens + "\": " + reason);
  };
  const auto *patches = first_operation<Patches>(graph);
  const auto *embedding = first_operation<PatchEmbed>(graph);
  const auto named = index.find(graph.tokens);
  if (named == index.end() || named->second == 0)
    return fail("no node is so named");
  if (patches == nullptr || embedding == nullptr)
    return fail("the graph embeds no patches with their positions");
  const ValueInfo &value = program.values[static_cast<std::size_t>(named->second)];
  const int patch = patches->patch;
  PatchTokens tokens{named->second, embedding->prefix_rows,   graph.image_height / patch, graph.image_width / patch,
                     value.columns, graph.token_fraction_bits};
  if (value.type != ElementType::int32 || value.rows != tokens.first + tokens.patches())
    return fail("its output must be int32 and have a row for each prefix token and each patch");
  program.patch_tokens = tokens;
  return {};
}

} // namespace

Result<Program> bind(const Graph &graph, const SafetensorsFile &file, std::vector<std::string> &used) {
  Program program;
  program.result = graph.result_kind();
  program.logit_fraction_bits = graph.logit_fraction_bits;
  program.values.push_back({ElementType::uint8, graph.image_height, graph.image_width * 3});
  std::map<std::string, int, std::less<>> index{{image_value, 0}};
  std::size_t expanded_bytes = 0;

  for (const Node &node : graph.nodes) {
    NodeBinder binder(node.name, file, used);
    BoundNode bound{node.name, operation_name(node.operation), {}, nullptr};
    for (const std::string &input : node.inputs) {
      const auto found = index.find(input);
      if (found == index.end())
        binder.fail("reads \"" + input + "\", which no earlier node writes");
      else
        bound.inputs.push_back(found->second);
    }
    const auto inputs = std::visit([](const auto &op) { return op.inputs().size(); }, node.operation);
    if (binder.ok() && bound.inputs.size() != inputs)
      binder.fail("has " + std::to_string(bound.inputs.size()) + " inputs instead of " + std::to_string(inputs));
    if (!binder.ok())
      return binder.status();

    const std::vector<ValueInfo> infos = program.input_infos(bound);
    Binding binding = std::visit([&](const auto &op) { return op.bind(binder, infos); }, node.operation);
    if (binder.ok()) {
      expanded_bytes += binding.operation->expanded_bytes();
      if (expanded_bytes > max_expanded_bytes)
        binder.fail("the constants that its graph makes of those in the file would take more than " +
                    std::to_string(max_expanded_bytes >> 20) + " MB");
    }
    if (!binder.ok())
      return binder.status();

    const int value = static_cast<int>(program.values.size());
    if (!index.emplace(node.name, value).second)
      return Status(StatusCode::bad_format, "graph node " + node.name + ": the name stands twice");
    bound.operation = std::move(binding.operation);
    program.nodes.push_back(std::move(bound));
    program.values.push_back(binding.output);
  }
  for (const auto check : {check_result, check_patch_tokens})
    if (Status status = check(graph, index, program); !status.ok())
      return status;
  return program;
}

} // namespace intvit
