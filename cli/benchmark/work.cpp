#include "cli/benchmark/work.hpp"

namespace intvit::cli {

namespace {

struct NodeWork {
  Work work;
  std::int64_t full = 0; // multiply-accumulates with all tokens
};

template <class T> std::int64_t bytes_of(const std::vector<T> &values) {
  return static_cast<std::int64_t>(values.size() * sizeof(T));
}

// What depends on the operation; without the bytes of weights, input and output, which all have.
struct Visitor {
  const Program &program;
  const ValueInfo &input;
  const ValueInfo &output;

  // Of a plain Vision Transformer, whose last layers may compute fewer rows; of others, the node's own.
  std::int64_t tokens() const {
    for (std::size_t i = 0; i < program.nodes.size(); ++i)
      if (std::holds_alternative<BoundPatchEmbed>(program.nodes[i].operation))
        return program.values[i + 1].rows;
    return input.rows;
  }
  NodeWork operator()(const BoundPatchEmbed &op) const {
    const std::int64_t count = std::int64_t{input.rows} * input.columns * output.columns;
    return {{count, bytes_of(op.position), 0}, count};
  }
  NodeWork operator()(const BoundLinear &op) const {
    const std::int64_t row = std::int64_t{input.columns} * output.columns;
    const bool adds = op.epilogue == kernels::Epilogue::residual;
    const std::size_t residual = adds ? program.values[static_cast<std::size_t>(op.residual)].bytes() : 0;
    return {{row * input.rows, 0, static_cast<std::int64_t>(residual)},
            row * (op.epilogue == kernels::Epilogue::logits ? 1 : tokens())};
  }
  NodeWork operator()(const BoundAttention &op) const {
    const std::int64_t query = std::int64_t{2} * op.tokens * output.columns; // scores and weighted values
    return {{query * output.rows, bytes_of(op.windows.bias) + bytes_of(op.windows.masks), 0}, query * input.rows};
  }
  NodeWork operator()(const BoundPatches &) const { return {}; }
  NodeWork operator()(const BoundLayerNorm &) const { return {}; }
  NodeWork operator()(const BoundTakeRows &) const { return {}; }
  NodeWork operator()(const BoundMeanRows &) const { return {}; }
  NodeWork operator()(const BoundFlatten &) const { return {}; }
  NodeWork operator()(const BoundMergePatches &) const { return {}; }
};

NodeWork of_node(const Model &model, std::size_t index) {
  const Program &program = model.program();
  const BoundNode &node = program.nodes[index];
  const ValueInfo &input = program.values[static_cast<std::size_t>(node.input)];
  const ValueInfo &output = program.values[index + 1];
  NodeWork result = std::visit(Visitor{program, input, output}, node.operation);
  result.work.weight_bytes += static_cast<std::int64_t>(model.packed_bytes(index));
  // Of rows, only those that are taken.
  const bool takes = std::holds_alternative<BoundTakeRows>(node.operation);
  result.work.value_bytes += static_cast<std::int64_t>((takes ? output : input).bytes() + output.bytes());
  return result;
}

} // namespace

Work node_work(const Model &model, std::size_t index) {
  return of_node(model, index).work;
}

Work model_work(const Model &model) {
  const Program &program = model.program();
  Work sum;
  sum.value_bytes = static_cast<std::int64_t>(program.values.front().bytes() + program.values.back().bytes());
  for (std::size_t i = 0; i < program.nodes.size(); ++i) {
    const NodeWork node = of_node(model, i);
    sum.multiply_accumulates += node.full;
    sum.weight_bytes += node.work.weight_bytes;
  }
  return sum;
}

std::string operation_name(const BoundNode &node) {
  struct NameVisitor {
    const std::string &name;
    std::string operator()(const BoundPatches &) const { return "patches"; }
    std::string operator()(const BoundPatchEmbed &) const { return "patch_embed"; }
    std::string operator()(const BoundLayerNorm &) const { return "layer_norm"; }
    std::string operator()(const BoundLinear &) const { return name.substr(name.rfind('.') + 1); }
    std::string operator()(const BoundAttention &) const { return "attention"; }
    std::string operator()(const BoundTakeRows &) const { return "take_rows"; }
    std::string operator()(const BoundMeanRows &) const { return "mean_rows"; }
    std::string operator()(const BoundFlatten &) const { return "flatten"; }
    std::string operator()(const BoundMergePatches &) const { return "merge_patches"; }
  };
  return std::visit(NameVisitor{node.name}, node.operation);
}

} // namespace intvit::cli
