#include "cli/benchmark/work.hpp"

#include <algorithm>

namespace intvit::cli {

namespace {

// The rows of a plain Vision Transformer's residual stream, even if its last layers compute only some of them. 0 for
// other models.
std::int64_t stream_rows(const Program &program) {
  for (std::size_t i = 0; i < program.nodes.size(); ++i)
    if (program.nodes[i].as<BoundPatchEmbed>() != nullptr)
      return program.values[i + 1].rows;
  return 0;
}

std::int64_t weight_bytes(const Model &model, std::size_t index) {
  return static_cast<std::int64_t>(model.packed_bytes(index) +
                                   model.program().nodes[index].operation->constant_bytes());
}

} // namespace

Work node_work(const Model &model, std::size_t index) {
  const Program &program = model.program();
  const BoundNode &node = program.nodes[index];
  const ValueInfo &output = program.values[index + 1];
  const std::size_t read = node.operation->input_bytes(program.input_infos(node), output);
  return {node.operation->multiply_accumulates(output.rows), weight_bytes(model, index),
          static_cast<std::int64_t>(read + output.bytes())};
}

Work model_work(const Model &model) {
  const Program &program = model.program();
  const std::int64_t all_rows = stream_rows(program);
  Work sum;
  sum.value_bytes = static_cast<std::int64_t>(program.values.front().bytes() + program.values.back().bytes());
  for (std::size_t i = 0; i < program.nodes.size(); ++i) {
    const std::int64_t rows = program.values[i + 1].rows;
    const bool is_result = i + 1 == program.nodes.size();
    sum.multiply_accumulates +=
        program.nodes[i].operation->multiply_accumulates(is_result ? rows : std::max(rows, all_rows));
    sum.weight_bytes += weight_bytes(model, i);
  }
  return sum;
}

std::string operation_name(const BoundNode &node) {
  return node.operation->linear_map.has_value() ? node.name.substr(node.name.rfind('.') + 1)
                                                : std::string(node.operation_name);
}

} // namespace intvit::cli
