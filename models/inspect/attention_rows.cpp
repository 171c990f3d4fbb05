#include "models/inspect/attention_rows.hpp"

#include <algorithm>

#include "kernels/reference/reference.hpp"

namespace intvit {

std::vector<std::size_t> attention_nodes(const Program &program) {
  std::vector<std::size_t> nodes;
  for (std::size_t i = 0; i < program.nodes.size(); ++i)
    if (program.nodes[i].as<BoundAttention>() != nullptr)
      nodes.push_back(i);
  return nodes;
}

void for_each_attention_row(const BoundAttention &node, std::span<const std::byte> qkv, const AttentionRow &row) {
  kernels::AttentionArgs args = node.arguments();
  args.qkv = reinterpret_cast<const std::int8_t *>(qkv.data());
  std::vector<std::int32_t> biases(static_cast<std::size_t>(node.bias_grid.height > 0 ? node.bias_stride() : 0));
  std::vector<std::int32_t> weights(static_cast<std::size_t>(node.tokens));
  for (int window = 0; window < std::max(node.windows.count, 1); ++window) {
    if (node.windows.count > 0)
      node.choose_window(window, args);
    for (int head = 0; head < node.heads; ++head)
      for (int query = 0; query < node.queries; ++query) {
        if (!biases.empty())
          node.use_bias_rows(head, {query, query + 1}, biases.data(), args);
        const std::uint32_t divisor = kernels::reference::attention_weights(args, head, query, weights.data());
        row(head, window * node.queries + query, weights, divisor);
      }
  }
}

} // namespace intvit
