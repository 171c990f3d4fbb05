// Observation of the activations inside the float forward: what calibration and quantizers look at.
#pragma once

#include <cstdint>

#include "models/architectures/vit.hpp"

namespace intvit::reference {

// T: tokens, the class token first. C: channels. d: C / heads; head h owns the columns [h * d, (h + 1) * d).
// In the order in which a forward reports them.
enum class SiteKind : std::uint8_t {
  block_input,             // [T, C] residual stream entering the block's norm1
  norm1_normalized,        // [T, C] (x - mean) / sqrt(variance + eps), before gamma and beta
  norm1_output,            // [T, C] input of qkv
  query,                   // [T, C] after the bias, before the division by sqrt(d)
  key,                     // [T, C] after the bias
  value,                   // [T, C] after the bias
  attention_scores,        // [T, T] a head: q k^T / sqrt(d), one row a query
  attention_probabilities, // [T, T] a head: softmax of the scores' rows
  attention_output,        // [T, C] input of proj, heads side by side
  block_middle,            // [T, C] residual stream after the attention branch was added, entering norm2
  norm2_normalized,        // [T, C]
  norm2_output,            // [T, C] input of fc1
  fc1_output,              // [T, mlp_hidden] before GELU
  gelu_output,             // [T, mlp_hidden] input of fc2
  // Once a forward, layer = depth:
  final_input,      // [T, C] residual stream after the last block
  final_normalized, // [1, C] class token only, as are the rest
  final_output,     // [1, C] input of the head
  logits,           // [1, classes]
};

struct Site {
  int layer = 0; // block index; depth for the final sites
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

} // namespace intvit::reference
