// A graph bound to its constants, checked so that running it cannot fail.
//
// bind() infers every value's shape and type, reads every constant into typed memory and proves that no accumulator,
// product or sum of any kernel can overflow, whatever the image. What it returns needs no further check.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/container/safetensors.hpp"
#include "engine/graph/graph.hpp"
#include "engine/ops/operation.hpp"
#include "engine/status.hpp"

namespace intvit {

struct BoundNode {
  std::string name;
  std::string_view operation_name;
  std::vector<int> inputs; // value indices
  std::unique_ptr<BoundOperation> operation;

  int input() const { return inputs.front(); }
  // The operation, if it is bound to that type; else null.
  template <typename Bound> const Bound *as() const { return dynamic_cast<const Bound *>(operation.get()); }
};

// A vector for each patch of the image, the patches row by row.
struct PatchTokens {
  int value = 0;       // index; 0: there are none
  int first = 0;       // the row of the first patch
  int grid_height = 0; // in patches
  int grid_width = 0;
  int channels = 0;
  int fraction_bits = 0; // an element is an integer in units of 2^-this

  int patches() const { return grid_height * grid_width; }
};

// Value 0 is the image; value i + 1 is the output of node i.
struct Program {
  ResultKind result = ResultKind::logits;
  int logit_fraction_bits = 0; // of the result
  int features = 0;            // value index; 0: none besides the result
  int feature_fraction_bits = 0;
  PatchTokens patch_tokens;
  std::vector<BoundNode> nodes;
  std::vector<ValueInfo> values;

  // Of the inputs of a node.
  std::vector<ValueInfo> input_infos(const BoundNode &node) const;
};

// The most memory that a graph's nodes may need for constants that they make themselves (BoundOperation::
// expanded_bytes()): a small file must not ask for all of a machine's.
inline constexpr std::size_t max_expanded_bytes = std::size_t{320} << 20;

// `used` receives the names of the tensors that the graph took. Errors: bad_format, naming the node and the constant or
// field: an unknown input, a missing constant, a wrong type or shape, shapes that do not fit, a number that could
// overflow.
Result<Program> bind(const Graph &graph, const SafetensorsFile &file, std::vector<std::string> &used);

} // namespace intvit
