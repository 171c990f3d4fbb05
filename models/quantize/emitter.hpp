// What the quantizers of all architectures share: they walk the float model in the order of execution, choose the codes
// of every activation from calibration samples and append the integer nodes.
#pragma once

#include <string>
#include <vector>

#include "models/architectures/model_config.hpp"
#include "models/quantize/attention_scores.hpp"
#include "models/quantize/builder.hpp"
#include "models/quantize/calibration.hpp"
#include "models/quantize/linear.hpp"
#include "models/quantize/quantize.hpp"
#include "models/quantize/stream.hpp"

namespace intvit {

// Where an activation is: the node that writes it and how its values are stored.
struct StreamNode {
  std::string name;
  StreamCodes codes;
};

class Emitter {
public:
  Emitter(const QuantizeInput &input, const QuantizeOptions &options);

  Calibration calibration;
  ModelBuilder builder;
  StreamNode stream; // the residual stream

  const QuantizeOptions &options() const { return options_; }

  // The patch embedding with mean and std folded in, for pixels as they are.
  QuantizedLinear pixel_linear(const ModelConfig &config, const LinearWeights &patch_embed) const;

  // A transformer block on the stream. `next_importance`: what an error of a channel of the new stream costs, see
  // stream_importance(). With `kept_rows` > 0 only that many of the first tokens go on.
  void block(const std::string &name, const BlockConfig &config, const BlockWeights &weights,
             const Eigen::ArrayXd &next_importance, int kept_rows);

  // The parts of a block and of what comes before and after, each a node. `input` is the name of the node that is read.

  // A stream normalized and multiplied by gamma, as codes: what comes after takes care of beta.
  void layer_norm(const std::string &name, const StreamNode &input, const LayerNormWeights &norm, double eps,
                  const ChannelCodes &output, kernels::ElementType type = kernels::ElementType::int8);
  // The input normalized, gamma and beta included, as a stream of codes of its own, which becomes the stream.
  void begin_stream(const std::string &name, const StreamNode &input, const LayerNormWeights &norm, double eps,
                    StreamCodes next);
  // A linear map of `input` as a stream of codes of its own.
  StreamNode write_stream(const std::string &name, const std::string &input, const QuantizedLinear &layer,
                          StreamCodes next);
  // From now on the node of that name holds the stream.
  void set_stream(std::string name, StreamCodes codes);
  // Adds a linear map of `input` to the stream, whose codes become `next`.
  void add_to_stream(const std::string &name, const std::string &input, const QuantizedLinear &layer, StreamCodes next);
  // The mean of rows [first, first + rows) of `input`; `fixed` is applied to their sum.
  void mean_rows(const std::string &name, const std::string &input, int first, int rows, const FixedPoint &fixed,
                 kernels::ElementType output_type);
  // The logits, with which a model ends.
  void head(const std::string &name, const std::string &input, const QuantizedLinear &layer);
  // The input normalized, gamma and beta included, as int32 in fixed point, for features; returns the fraction bits.
  int norm_features(const std::string &name, const StreamNode &input, const LayerNormWeights &norm, double eps);
  // The last node gives the features: of a model with a head besides its logits, of one without as its result.
  void set_features(Eigen::Index count, int fraction_bits, bool has_head);
  // The mean of the normalized rows [first, first + rows) of the stream as features and, where there are classes, the
  // head. Needs the samples final_normalized and final_mean.
  void normed_mean_head(const LayerNormWeights &norm, double eps, const LinearWeights &head, int first, int rows,
                        const BlockSamples &samples);

  // A model's epsilon in the units of its input.
  static std::int64_t norm_epsilon(const StreamNode &input, Eigen::Index channels, double eps);

  // Constants of the last node.
  void stream_factors(const StreamCodes &codes); // of a LayerNorm's input
  void weights(const QuantizedLinear &layer);
  // `values` in the stream's codes, [rows, C] or, for one row, [C].
  void stream_constant(const char *suffix, const RowMatrix &values);

private:
  void attention_branch(const std::string &name, const BlockConfig &config, const BlockWeights &weights,
                        const BlockSamples &samples, int kept_rows);
  void mlp_branch(const std::string &name, const BlockConfig &config, const BlockWeights &weights,
                  const BlockSamples &samples, const Eigen::ArrayXd &next_importance);
  void qkv(const std::string &name, const std::string &input, const QuantizedLinear &layer,
           const AttentionCodes &codes);
  void attention(const std::string &name, const std::string &input, const BlockConfig &config,
                 const AttentionCodes &codes, const ChannelCodes &output, int kept_rows);
  void fc1(const std::string &name, const std::string &input, const QuantizedLinear &layer, int fraction_bits,
           const ChannelCodes &output);

  // Of an output in fixed point: as many as a requantization by `factor` allows.
  static int output_fraction_bits(const Eigen::ArrayXd &factor);

  const QuantizeOptions &options_;
  const ReportLayer &report_;
};

Eigen::ArrayXd to_array(const RowVector &values);

// What an error of a residual channel costs: the LayerNorm's gain and the weights behind it, if there are any. They may
// read several rows side by side.
Eigen::ArrayXd stream_importance(const LayerNormWeights &norm, const LinearWeights &next);

// LayerNorm writes gamma times a quotient.
CodeConstraint norm_constraint(const LayerNormWeights &norm);

// The layer that writes the stream requantizes by its scale / the stream's, which must stay below 0.5.
double smallest_stream_scale(const QuantizedLinear &layer);

// A linear map of a normalized activation: its input's gain is the norm's gamma, the beta is folded into the bias.
QuantizedLinear quantize_after_norm(const LinearWeights &layer, const LayerNormWeights &norm,
                                    const SiteSamples &normalized, const QuantizeOptions &options,
                                    double largest_scale = std::numeric_limits<double>::infinity());

// Calls of a Progress in a row.
class Steps {
public:
  Steps(const Progress &progress, int total) : progress_(progress), total_(total) {}
  void next() {
    if (progress_)
      progress_(step_++, total_);
  }

private:
  const Progress &progress_;
  int step_ = 0;
  int total_;
};

} // namespace intvit
