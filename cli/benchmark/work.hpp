// What a model and its operations have to do: multiply-accumulates, and bytes to move.
#pragma once

#include <cstdint>
#include <string>

#include "engine/runtime/model.hpp"

namespace intvit::cli {

// Of one image.
struct Work {
  std::int64_t multiply_accumulates = 0;
  std::int64_t weight_bytes = 0; // read once, whatever the batch
  std::int64_t value_bytes = 0;  // of inputs and outputs, which every image of a batch has for itself

  std::int64_t bytes(int batch) const { return weight_bytes + value_bytes * batch; }
};

// Of one node: the multiply-accumulates that it really does, and the bytes that it reads and writes, each counted once
// even if it is in a cache. take_rows reads only the rows that it copies.
Work node_work(const Model &model, std::size_t index);

// Of the whole model. The multiply-accumulates are those that every implementation is credited with: all matrix
// products of the full model, for all tokens in the last block too, although this engine computes only the rows that
// are needed. The bytes are those of weights, image and logits; everything in between may stay in caches.
Work model_work(const Model &model);

// The name under which the nodes of different blocks are added up: "layer_norm", "attention", ... Of a node that has
// weights it is the last part of the node's name: "qkv" for "blocks.3.attn.qkv".
std::string operation_name(const BoundNode &node);

} // namespace intvit::cli
