// Observation of the activations inside the float forward: what calibration and quantizers look at.
#pragma once

#include <cstdint>

#include "models/architectures/weights.hpp"

namespace intvit::reference {

// T: tokens, the prefix tokens first. C: channels. d: C / heads; head h owns the columns [h * d, (h + 1) * d). K: the
// keys that a query attends to: T, or those of its window, window after window.
// In the order in which a forward reports them; in the parts at the end see Pool.
enum class SiteKind : std::uint8_t {
  // Where there is a norm before the first block, layer 0:
  embedding,            // [T, C] what it normalizes: Swin's projected patches, or tokens with their positions
  embedding_normalized, // [T, C] (x - mean) / sqrt(variance + eps), before gamma and beta
  // Swin only, before the first block of every stage but the first, layer = that block:
  merge_input,      // [4T, C / 2] residual stream at the end of the stage before
  merge_normalized, // [T, 2C] four neighbours of the stage before side by side, normalized; or, in Swin V2,
  merged,           // [T, 2C] these as they are, and
  merge_reduced,    // [T, C] what they are mapped to, before it is normalized
  // Every block; where norms are behind the branches, without those before them:
  block_input,             // [T, C] residual stream entering the block's norm1
  norm1_normalized,        // [T, C] (x - mean) / sqrt(variance + eps), before gamma and beta
  norm1_output,            // [T, C] input of qkv
  query,                   // [T, C] after the bias, before the division by sqrt(d)
  key,                     // [T, C] after the bias
  value,                   // [T, C] after the bias
  rotated_query,           // [T, C] where there is a rotation: the query and
  rotated_key,             // [T, C] the key after it
  unit_query,              // [T, C] where scores are cosines: the query at the length sqrt(d) times the head's scale,
  unit_key,                // [T, C] and the key at the length 1
  attention_scores,        // [T, K] a head: q k^T / sqrt(d), plus position bias and mask, one row a query
  attention_probabilities, // [T, K] a head: softmax of the scores' rows
  attention_output,        // [T, C] input of proj, heads side by side
  attention_normalized,    // [T, C] where it is normalized before proj: before gamma and beta
  attention_branch,        // [T, C] where a norm is behind the branch: what proj gives, before the norm,
  attention_added,         // [T, C] and after it
  block_middle,            // [T, C] residual stream after the attention branch was added, entering norm2
  norm2_normalized,        // [T, C]
  norm2_output,            // [T, C] input of fc1
  fc1_output,              // [T, mlp_hidden] before GELU
  gate_output,             // [T, mlp_hidden] of a gated MLP: the gate before its activation,
  gate_activated,          // [T, mlp_hidden] after it,
  gated_product,           // [T, mlp_hidden] and times fc1_output; without a gate what an MLP's norm reads
  hidden_normalized,       // [T, mlp_hidden] where the MLP has a norm inside: before gamma and beta
  gelu_output,             // [T, mlp_hidden] input of fc2
  mlp_branch,              // [T, C] where a norm is behind the branch: what fc2 gives, before the norm,
  mlp_added,               // [T, C] and after it
  // Once a forward, layer = number of blocks. R: rows that are normalized, 1 for a class token or a mean:
  final_input,      // [T, C] residual stream after the last block
  final_normalized, // [R, C]
  final_output,     // [R, C] normalized times gamma plus beta
  final_mean,       // [1, C] where the mean of the patches is taken: before final_normalized or after final_output
  token_and_mean,   // [1, 2C] where the head reads the class token and the mean of the patches side by side
  // Attention pooling has key, value, attention_output and all from block_middle to gelu_output as a block, of one row
  // but for the first two, and then:
  pooled,        // [1, C]
  projected,     // [1, features] where a projection gives them
  unit_features, // [1, features] where the head reads them at length 1
  logits,        // [1, outputs]
};

struct Site {
  int layer = 0; // block index, counted through all stages; number of blocks for the final sites
  SiteKind kind = SiteKind::block_input;
  int head = 0; // attention_scores and attention_probabilities; 0 elsewhere

  bool operator==(const Site &) const = default;
};

// Receives activations of one image as a forward computes them. A forward calls only the observer it was given, from
// the calling thread: with one observer a thread, images may be processed concurrently without locks.
class Observer {
public:
  virtual ~Observer() = default;

  // `activation` is valid during the call only.
  virtual void observe(const Site &site, const MatrixView &activation) = 0;
};

inline void report(Observer *observer, int layer, SiteKind kind, const MatrixView &activation, int head = 0) {
  if (observer != nullptr)
    observer->observe({layer, kind, head}, activation);
}

} // namespace intvit::reference
