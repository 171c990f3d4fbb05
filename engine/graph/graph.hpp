// The graph of a quantized Vision Transformer: a list of nodes in the order in which they run.
//
// A node reads the outputs of earlier nodes, by name, and constants of its own: the tensors named "<node>.<constant>".
// The operations are a closed set (engine/ops/list.hpp), and each is defined in docs/numerics.md. Sizes that can be
// read off a constant's shape are not repeated here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/graph/result_kind.hpp"
#include "engine/ops/list.hpp"

namespace intvit {

struct Node {
  std::string name;                // also its output's name
  std::vector<std::string> inputs; // nodes or image_value, as many as the operation has inputs()
  Operation operation;
};

// The largest models have a few hundred; planning the memory of so many takes quadratic time.
inline constexpr std::size_t max_graph_nodes = 16384;

// The last node's output is the result, int32 [1, n]. A graph whose result is no embedding may name another node whose
// output, int32 [1, features], is the image's features besides. Any graph may name one whose output, int32 [tokens, n],
// holds a vector for every token before some are dropped, behind those of the prefix the patches'.
struct Graph {
  int image_height = 0; // pixels
  int image_width = 0;
  std::optional<ResultKind> result; // empty: implied_result()
  int logit_fraction_bits = 0;      // an element of the result is an integer in units of 2^-this
  std::string features;             // empty: none besides the result
  int feature_fraction_bits = 0;
  std::string tokens; // empty: there are no patch tokens
  int token_fraction_bits = 0;
  std::vector<Node> nodes;

  ResultKind result_kind() const;
};

// What a graph gives that does not name its result, as files of the first version do: logits where the last node is a
// linear map with the epilogue of that name.
ResultKind implied_result(const std::vector<Node> &nodes);

// The name of an operation in files.
std::string_view operation_name(const Operation &operation);

} // namespace intvit
