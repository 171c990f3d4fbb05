// Integer networks with random weights: the nodes that architectures share, drawn so that codes fill their range.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "engine/graph/builder.hpp"
#include "models/architectures/network.hpp"
#include "models/quantize/codes/fixed_point.hpp"
#include "models/random/random_integer.hpp"
#include "models/random/random_model.hpp"

namespace intvit {

// Appends nodes, each named by the caller, to a model. The residual stream is what the last node that wrote it gives.
class RandomNetwork {
public:
  RandomNetwork(const ModelConfig &config, const RandomModelOptions &options, std::uint32_t seed);

  // The stream of a ViT, with that many tokens before the patches.
  // `normed_patches`: the projected patches are normalized before positions are added.
  void patch_embed(int channels, int prefix_tokens, bool normed_patches = false);
  // The stream of a Swin: patches projected and normalized.
  void normalized_patch_embed(int channels);
  // The stream, normalized, becomes the one that the first block reads.
  void pre_norm(const std::string &name);
  void block(const BlockPart &part);
  void merge(const MergingPart &part);
  void end(const EndPart &part);

  std::vector<std::byte> finish(int outputs);

private:
  template <typename T> std::vector<T> draw(std::size_t count, int low, int high) {
    std::vector<T> values(count);
    for (T &value : values)
      value = static_cast<T>(random_integer(generator_, low, high));
    return values;
  }
  Eigen::ArrayXd factors(int count, double factor);
  // Drawn before the node that they belong to: its requantization follows from them.
  struct Weights {
    int out_features = 0;
    std::vector<std::int8_t> values;     // row-major
    std::optional<FourBitWeights> words; // of which these are the values

    Eigen::ArrayXd row_sums() const;
  };
  Weights draw_weights(int out_features, int in_features, WeightLevels levels = WeightLevels::int8);
  // Constants of a node.
  void write(const std::string &node, const Weights &weights);
  void requantization(const std::string &node, const FixedPoint &fixed);

  void add_patches();
  // As a stream of 16 bits; and that normalized, as codes, which leaves the stream's form as it was.
  void project_patches();
  void normalize_patches();
  // Codes of 8 bits with that zero point, normalized.
  void codes_norm(const std::string &name, const std::string &input, int channels, int zero);
  // The stream normalized, as a stream of that type.
  void normalize_stream(const std::string &name, kernels::ElementType type);
  double block_weight_spread() const;
  Eigen::ArrayXd draw_stream_zero();
  int largest_alpha() const;
  double stream_spread() const;
  void layer_norm(const std::string &name, kernels::ElementType type, double spread, const Eigen::ArrayXd &zero);
  void layer_norm(const std::string &name); // codes of 8 bits
  void linear(const std::string &name, const std::string &input, Linear operation, int out_features, int in_features,
              double spread);
  void attention(const std::string &name, const std::string &input, const BlockConfig &config, int kept_rows);
  // A constant of biases of that shape, of which the heads are the first dimension.
  void draw_biases(const std::string &name, const char *constant, const std::vector<std::int64_t> &shape);
  // The fields and the constant of an attention's scores.
  Attention scores(const std::string &name, const BlockConfig &config);
  void merge_tokens(const BlockPart &part);
  std::vector<std::string> with_sizes(const std::string &input) const;
  void mlp_hidden(const std::string &name, const std::string &input, int hidden, Activation activation);
  std::string gated_hidden(const BlockPart &part, const std::string &input);
  // Where norms are behind the branches: the node of codes that a branch reads of the stream; and what a linear map
  // makes of such codes, normalized, added to it.
  std::string stream_codes(const std::string &name);
  void add_normed(const std::string &branch, const std::string &map, const std::string &norm, const std::string &input,
                  int in_features);
  std::string queries_keys_values(const BlockPart &part, const std::string &input);
  // `codes`: of every row that is put beside the grid. Returns the name.
  std::string pad_grid(const std::string &name, const std::string &input, const GridPadding &grid,
                       kernels::ElementType type, const Eigen::ArrayXd &codes);
  void add_to_stream(const std::string &name, const std::string &input, int in_features, int input_mean);
  void mean_rows(const std::string &name, const std::string &input, int first, int rows, double factor,
                 const Eigen::ArrayXd &zero, kernels::ElementType type);
  void head(const std::string &input, int in_features, int classes);
  // Ends: the normalized rows of the stream side by side, or the mean of rows, normalized before or after. Features
  // where there are no classes. random_end.cpp has them.
  void rows_head(int rows, int projection, int classes);
  void mean_head(const EndPart &part);
  void normed_mean_head(int first, int rows, int classes);
  // The same of rows as they are, and of what a query makes of them.
  void raw_mean_head(int first, int rows, int projection, int classes);
  void token_mean_head(const EndPart &part);
  void attention_head(const EndPart &part);
  void projection_head(int projection);
  // Another stream, of 16 bits, for the norm at the end.
  void use_wide_stream(const std::string &node);

  const ModelConfig &config_;
  const RandomModelOptions &options_;
  std::mt19937 generator_;
  GraphBuilder graph_;
  kernels::ElementType stream_;     // of the residual stream
  int channels_ = 0;                // of it
  std::vector<std::uint8_t> alpha_; // where it has 8 bits
  Eigen::ArrayXd stream_zero_;
  std::string stream_node_; // the node that wrote it
  std::string sizes_;       // the node that tells tokens' sizes; empty before tokens are merged
  int first_tokens_ = 0;    // rows of the stream before tokens were merged
  int merged_from_ = 0;     // EndPart::merged_from of the means at the end
};

} // namespace intvit
