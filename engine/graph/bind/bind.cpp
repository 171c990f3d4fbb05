#include <map>
#include <utility>

#include "engine/graph/bind/node_binder.hpp"
#include "engine/graph/program.hpp"

namespace intvit {

using kernels::Epilogue;

Result<Program> bind(const Graph &graph, const SafetensorsFile &file, std::vector<std::string> &used) {
  Program program;
  program.logit_fraction_bits = graph.logit_fraction_bits;
  program.values.push_back({ElementType::uint8, graph.image_height, graph.image_width * 3});
  std::map<std::string, int, std::less<>> index{{image_value, 0}};
  std::size_t bias_elements = 0;
  std::size_t window_patches = 0;

  for (const Node &node : graph.nodes) {
    NodeBinder binder(node, file, used);
    const auto input = index.find(node.input);
    if (input == index.end())
      binder.fail("reads \"" + node.input + "\", which no earlier node writes");
    if (!binder.ok())
      return binder.status();

    Binding binding = std::visit(
        [&](const auto &op) {
          return bind_operation(binder, op, program.values[static_cast<std::size_t>(input->second)]);
        },
        node.operation);
    if (const auto *linear = std::get_if<Linear>(&node.operation)) {
      auto &bound = std::get<BoundLinear>(binding.operation);
      if (linear->epilogue == Epilogue::residual) {
        const auto stream = index.find(linear->residual);
        if (stream == index.end())
          binder.fail("adds to \"" + linear->residual + "\", which no earlier node writes");
        else if (binder.ok())
          bind_residual(binder, bound, *linear, stream->second,
                        program.values[static_cast<std::size_t>(stream->second)], binding.output);
      } else {
        binder.prove(bound.weights, bound.requantization, {});
      }
    }
    if (const auto *attention = std::get_if<BoundAttention>(&binding.operation)) {
      bias_elements += attention->windows.bias.size() + attention->windows.masks.size();
      window_patches += attention->windows.rows.size();
    }
    if (window_patches > max_all_window_patches)
      binder.fail("all windows together would have more than " + std::to_string(max_all_window_patches) + " patches");
    if (bias_elements > max_all_bias_elements)
      binder.fail("the biases of all windows would take more than " + std::to_string(max_all_bias_elements) +
                  " elements");
    if (!binder.ok())
      return binder.status();

    const int value = static_cast<int>(program.values.size());
    if (!index.emplace(node.name, value).second)
      return Status(StatusCode::bad_format, "graph node " + node.name + ": the name stands twice");
    program.nodes.push_back({node.name, input->second, std::move(binding.operation)});
    program.values.push_back(binding.output);
  }

  const ValueInfo &result = program.values.back();
  if (result.type != ElementType::int32 || result.rows != 1)
    return Status(StatusCode::bad_format, "graph: the last node must give one row of int32 logits or features");
  if (graph.features.empty())
    return program;

  const auto *head = std::get_if<BoundLinear>(&program.nodes.back().operation);
  if (head == nullptr || head->epilogue != Epilogue::logits)
    return Status(StatusCode::bad_format, "graph: names features, but the last node gives no logits");
  const auto features = index.find(graph.features);
  program.features = features == index.end() ? 0 : features->second;
  program.feature_fraction_bits = graph.feature_fraction_bits;
  const ValueInfo &row = program.values[static_cast<std::size_t>(program.features)];
  if (static_cast<std::size_t>(program.features) + 1 == program.values.size() || row.type != ElementType::int32 ||
      row.rows != 1)
    return Status(StatusCode::bad_format, "graph: features \"" + graph.features +
                                              "\": no node before the last gives one row of int32 so named");
  return program;
}

} // namespace intvit
