// Where a branch leaves the residual stream and where it comes back: with a norm before it, or behind it.
#pragma once

#include <functional>
#include <limits>
#include <string>

#include "models/quantize/emit/parts.hpp"

namespace intvit {

// The first linear map of a branch, and the node whose codes it reads.
struct StreamMap {
  QuantizedLinear layer;
  std::string input;
};

// Writes the node `name`, which makes codes of 8 bits of the stream: normalized, with samples of the normalized values,
// or, without a norm, only rescaled, with samples of the stream. A stream that has 8 bits itself is then read as it is.
// `largest_scale` as quantize_linear()'s.
StreamMap quantize_stream_map(PartContext &context, const std::string &name, const LinearWeights &layer,
                              const LayerNormWeights *norm, const SiteSamples &samples, const StreamNode &stream,
                              const QuantizeOptions &options,
                              double largest_scale = std::numeric_limits<double>::infinity());

// A norm of what a branch gives, before it is added.
struct BranchNorm {
  std::string name; // of the norm's node
  std::string sum;  // of the node that adds
  const LayerNormWeights &norm;
  const SiteSamples &before;
  const SiteSamples &after;
};

// Adds what a branch's last linear map makes of the node `input` to the stream. `output` chooses the codes of the sum,
// of which no scale may be smaller than the one that it is given.
StreamNode add_branch(PartContext &context, const std::string &name, const std::string &input,
                      const QuantizedLinear &layer, const BranchNorm *norm, const StreamNode &stream,
                      const std::function<StreamCodes(double smallest_scale)> &output);

} // namespace intvit
