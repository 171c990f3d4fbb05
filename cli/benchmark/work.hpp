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
  std::int64_t value_bytes = 0;  // of inputs and outputs, each of which an image has of its own

  std::int64_t bytes(int batch) const { return weight_bytes + value_bytes * batch; }
};

// A node's. Multiply-accumulates that it really does; everything that it reads and writes counts once, wherever it
// lies.
Work node_work(const Model &model, std::size_t index);

// A model's. Multiply-accumulates as they are counted for every implementation: all matrix products of the full model,
// so all tokens in the last block too, which this engine spares itself. Bytes of weights, image and logits: what lies
// between may stay in caches.
Work model_work(const Model &model);

// By which operations of different blocks are added up: "layer_norm", "attention", ...; where an operation has weights,
// the last part of the node's name, so that "blocks.3.attn.qkv" is "qkv".
std::string operation_name(const BoundNode &node);

} // namespace intvit::cli
