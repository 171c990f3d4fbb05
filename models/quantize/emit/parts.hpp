// The quantizers of a network's parts. Each runs its part in the float reference on the calibration images, chooses the
// codes of all activations in it from what it sees there, and writes the integer nodes. They are called in the order of
// execution: the calibration is then always at the part's input.
#pragma once

#include <functional>
#include <string>

#include <Eigen/Core>

#include "models/architectures/network.hpp"
#include "models/quantize/calibration.hpp"
#include "models/quantize/emit/node_writer.hpp"
#include "models/quantize/error_costs.hpp"
#include "models/quantize/options.hpp"

namespace intvit {

// What all of them work with.
struct PartContext {
  const Network &network;
  const QuantizeOptions &options;
  Calibration &calibration;
  NodeWriter &nodes;
  const ErrorCosts *costs = nullptr; // none: errors count in their layers
};

// Each takes the residual stream and returns what it is afterwards. `next_importance`: what an error of a channel of
// the new stream costs those who read it (stream_importance()).

StreamNode quantize_embedding(PartContext &context, const Eigen::ArrayXd &next_importance);

// `index`: of the block among all.
StreamNode quantize_block(PartContext &context, const BlockPart &part, int index, const StreamNode &stream,
                          const Eigen::ArrayXd &next_importance);

StreamNode quantize_merging(PartContext &context, const MergingPart &part, const StreamNode &stream,
                            const Eigen::ArrayXd &next_importance);

// An MLP, whose branch is added to a stream: of a block or of an attention pooling.
struct MlpPart {
  std::string norm_name; // of the nodes
  std::string name;
  const LayerNormWeights &norm;
  const LinearWeights &fc1;
  const LinearWeights &fc2;
  Activation activation;
  const LinearWeights *gate = nullptr;          // of a gated MLP
  const LayerNormWeights *inner_norm = nullptr; // where it has one
  bool norm_after = false;                      // `norm` is behind the branch
};

// `output` chooses the codes of the sum, of which no scale may be smaller than the one that it is given.
StreamNode quantize_mlp(PartContext &context, const MlpPart &part, const BlockSamples &samples,
                        const StreamNode &stream, const QuantizeOptions &options,
                        const std::function<StreamCodes(double smallest_scale)> &output);

// Logits or features, with which the model ends.
void quantize_end(PartContext &context, const StreamNode &stream);

} // namespace intvit
