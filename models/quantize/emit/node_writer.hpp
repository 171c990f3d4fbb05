// Writes the integer nodes of a quantized model: from scales and zero points, which have been chosen, to multipliers,
// offsets and shifts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/graph/builder.hpp"
#include "models/architectures/block.hpp"
#include "models/quantize/attention/attention_codes.hpp"
#include "models/quantize/codes/fixed_point.hpp"
#include "models/quantize/codes/stream_codes.hpp"
#include "models/quantize/linear/quantized_linear.hpp"
#include "models/quantize/quantize.hpp"

namespace intvit {

// A value of the residual stream's kind: the node that writes it and how its values are stored.
struct StreamNode {
  std::string name;
  StreamCodes codes;
};

// A node of 8-bit codes whose zero points are integers.
struct FactorNode {
  std::string name;
  const ChannelCodes &codes;
};

// Rows of which the mean is taken.
struct MeanOf {
  int first = 0;
  int rows = 1;
  int tokens = 1;      // of how many they are made
  bool merged = false; // rows count as often as they stand for tokens
};

// Each function appends a node of that name, which reads the node `input`.
class NodeWriter {
public:
  NodeWriter(const QuantizeInput &input, const QuantizeOptions &options);

  void patches(const std::string &name, int patch);
  // The projected patches plus positions, behind the prefix tokens.
  StreamNode patch_embed(const std::string &name, const std::string &input, const QuantizedLinear &layer,
                         const RowMatrix &position, const RowMatrix &prefix, StreamCodes output);

  // A stream normalized and multiplied by gamma, as codes: what reads it takes care of beta.
  void layer_norm(const std::string &name, const StreamNode &input, const LayerNormWeights &norm,
                  const ChannelCodes &output, kernels::ElementType type = kernels::ElementType::int8);
  // The input normalized, gamma and beta included, as a stream.
  StreamNode layer_norm_stream(const std::string &name, const StreamNode &input, const LayerNormWeights &norm,
                               StreamCodes output);
  // The input normalized, gamma and beta included, as int32 in fixed point, for features; returns the fraction bits.
  int layer_norm_features(const std::string &name, const StreamNode &input, const LayerNormWeights &norm);

  // A linear map as 8-bit codes.
  void linear(const std::string &name, const std::string &input, const QuantizedLinear &layer,
              const ChannelCodes &output);
  // A linear map as a stream.
  StreamNode linear_stream(const std::string &name, const std::string &input, const QuantizedLinear &layer,
                           StreamCodes output);
  // A linear map added to a stream.
  StreamNode linear_residual(const std::string &name, const std::string &input, const QuantizedLinear &layer,
                             const StreamNode &stream, StreamCodes output);
  // An activation of a linear map; its inputs have `fraction_bits`.
  void linear_gelu(const std::string &name, const std::string &input, const QuantizedLinear &layer,
                   Activation activation, int fraction_bits, const ChannelCodes &output);
  // The product of two nodes, as 8-bit codes, and as a stream that only a LayerNorm reads.
  void multiply(const std::string &name, const FactorNode &a, const FactorNode &b, const ChannelCodes &output);
  StreamNode multiply_stream(const std::string &name, const FactorNode &a, const FactorNode &b, StreamCodes output);
  // A linear map as int32 in fixed point, for features; returns the fraction bits.
  int linear_features(const std::string &name, const std::string &input, const QuantizedLinear &layer);
  // A stream as 8-bit codes.
  void rescale(const std::string &name, const StreamNode &input, const ChannelCodes &output);
  // The sum of two streams. A scale of `added` must be below half of the output's.
  StreamNode add_streams(const std::string &name, const StreamNode &added, const StreamNode &stream,
                         StreamCodes output);
  // Queries and keys of a head brought to the lengths that `codes` are made for; `input` has 16 bits and one scale.
  void normalize_heads(const std::string &name, const StreamNode &input, const BlockConfig &config,
                       const Eigen::ArrayXd &scale, const ChannelCodes &output);
  void rotate(const std::string &name, const std::string &input, int heads, const Rotation &rotation);
  // Features brought to length 1, as 8-bit codes.
  void l2_normalize(const std::string &name, const std::string &input, const ChannelCodes &output);
  // The logits, with which a model ends; their meaning is the model's.
  void linear_logits(const std::string &name, const std::string &input, const QuantizedLinear &layer);

  // With `kept_rows` > 0 only of so many of the first tokens. `padding` [3C]: q, k and v of the tokens that fill up
  // windows, which is looked at where there are any.
  void attention(const std::string &name, const std::string &input, const BlockConfig &config,
                 const AttentionCodes &codes, const ChannelCodes &output, int kept_rows, const RowVector &padding);

  StreamNode take_rows(const std::string &name, const StreamNode &input, int rows);
  // Of an odd side the last have neighbours of zeros.
  StreamNode merge_patches(const std::string &name, const StreamNode &input, int grid_height, int grid_width);
  void flatten(const std::string &name, const std::string &input);
  void join(const std::string &name, const std::string &first, const std::string &second);
  // The mean of rows of `input`; `fixed` is applied to their sum.
  void mean_rows(const std::string &name, const std::string &input, const MeanOf &mean, const FixedPoint &fixed,
                 kernels::ElementType output_type);

  // Merges tokens of a stream, as those of an attention's `input` are alike. Attention and means that follow read their
  // sizes.
  StreamNode merge_tokens(const std::string &block, const std::string &input, const BlockConfig &config,
                          const AttentionCodes &codes, const TokenMerging &merging, const StreamNode &stream);

  // The last node gives the features: of a model with a head besides its logits, of one without as its result.
  void set_features(Eigen::Index count, int fraction_bits, bool has_head);

  // The last node gives the tokens of the prefix and of all patches.
  void set_patch_tokens(int fraction_bits);

  // Tells of a stream that the blocks read, or of one that was made for the end alone.
  void report(const StreamNode &stream) const;

  // The file, see finish_model().
  std::vector<std::byte> finish(const Image &golden_image, int outputs) const;

private:
  // The fields that an attention's scores need.
  Attention scores(const BlockConfig &config, const AttentionCodes &codes) const;
  // The biases of an attention over a whole grid, [heads, grid.biases()].
  void grid_biases(const std::string &name, const BiasGrid &grid, const std::vector<std::int32_t> &biases);
  // The input, and the sizes of its tokens if they have been merged.
  std::vector<std::string> with_sizes(const std::string &input) const;

  // `codes`: of every row that is put beside the grid, [C].
  void pad_grid(const std::string &name, const std::string &input, const GridPadding &grid, const Eigen::ArrayXd &codes,
                kernels::ElementType type);

  void product(const std::string &name, const FactorNode &a, const FactorNode &b, const ChannelCodes &output,
               kernels::ElementType type);

  // Constants of the node of that name.
  void requantization(const std::string &name, const FixedPoint &fixed);
  void stream_factors(const std::string &name, const StreamCodes &codes); // of a LayerNorm's input
  void weights(const std::string &name, const QuantizedLinear &layer);
  void prefix_tokens(const std::string &name, const RowMatrix &values, const StreamCodes &codes);

  // The model's epsilon in the units of a LayerNorm's input.
  std::int64_t norm_epsilon(const StreamNode &input, Eigen::Index channels) const;

  GraphBuilder graph_;
  const QuantizeInput &input_;
  const QuantizeOptions &options_;
  double layer_norm_eps_;
  bool centred_norms_;
  int features_ = 0;  // besides the logits
  std::string sizes_; // the node that tells the tokens' sizes; empty before tokens are merged
};

// How many fraction bits an output in fixed point can have: as many as a requantization by `factor` allows.
int output_fraction_bits(const Eigen::ArrayXd &factor);

} // namespace intvit
