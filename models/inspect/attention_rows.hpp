// The attention weights of an integer model, as the engine used them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "engine/graph/program.hpp"

namespace intvit {

// The attention operations of a program, in their order, by their nodes' index.
std::vector<std::size_t> attention_nodes(const Program &program);

// Receives a query's weights, one for each token that it attends to, and the divisor that turns them into
// probabilities.
using AttentionRow =
    std::function<void(int head, int query, std::span<const std::int32_t> weights, std::uint32_t divisor)>;

// Calls `row` for every query of every head (and window, whose queries count on from window to window) of a node whose
// input for one image is `qkv`. The weights come from the reference kernels, which all others equal bit for bit.
void for_each_attention_row(const BoundAttention &node, std::span<const std::byte> qkv, const AttentionRow &row);

} // namespace intvit
