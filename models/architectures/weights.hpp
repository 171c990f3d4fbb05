// Float weights of transformer layers, as all architectures have them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <Eigen/Core>

#include "models/architectures/block.hpp"

namespace intvit {

using RowMatrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using RowVector = Eigen::Matrix<float, 1, Eigen::Dynamic>;
// Read access to a matrix or to a block of one: rows may lie apart, the elements of a row are contiguous. Not copied.
using MatrixView = Eigen::Ref<const RowMatrix>;

// No weight and no activation may be larger: sums of products of two of them stay finite in float32, as does all that a
// quantizer computes of them. Trained models have some hundreds.
inline constexpr float largest_value = 1e15F;

// y = x weight^T + bias.
struct LinearWeights {
  RowMatrix weight; // [out, in]
  RowVector bias;   // [out]
  // Empty, unless the weights are STLQ words already (docs/stlq.md, "Fine-tuning"). Then it holds the scaling factor U
  // of each output: every weight of that row is an integer multiple of U / 128.
  RowVector stlq_unit{};
};

// gamma and beta of a layer norm.
struct LayerNormWeights {
  RowVector weight; // [C]
  RowVector bias;   // [C]
};

// A transformer block: x += proj(attention(qkv(norm1(x)))), then x += fc2(gelu(fc1(norm2(x)))). A layer scale
// (arXiv 2103.17239) is folded into proj and fc2. The MLP may have a gate, see MlpForm. With norms behind the
// branches: x += norm1(proj(attention(qkv(x)))), then x += norm2(fc2(gelu(fc1(x)))).
struct BlockWeights {
  LayerNormWeights norm1;
  LinearWeights qkv;  // [3C, C]: rows of q, then k, then v; within each, head by head
  LinearWeights proj; // [C, C]
  LayerNormWeights norm2;
  LinearWeights fc1;         // [mlp_hidden, C]
  LinearWeights fc2;         // [C, mlp_hidden]
  LinearWeights gate;        // [mlp_hidden, C], of a gated MLP, else empty
  LayerNormWeights mlp_norm; // [mlp_hidden], where the MLP has a norm, else empty
  // Empty, or, with attention within windows of w x w tokens, [heads, (2w - 1)^2], a value for each distance that
  // two tokens of a window can have: column (y - v + w - 1) * (2w - 1) + x - u + w - 1 is added to the score of a query
  // at (y, x) and a key at (v, u). Or, over a whole grid of h x w patches, [heads, (2h - 1) (2w - 1) + 3]: likewise,
  // with the column (y - v + h - 1) * (2w - 1) + x - u + w - 1; then what is added for a query before the patches and a
  // patch, for a patch and a key before them, and for two tokens before them.
  RowMatrix position_bias;
  RowVector cosine_scale{};          // [heads], where attention is by cosines, else empty
  LayerNormWeights attention_norm{}; // of what proj reads, where there is one, else empty
};

// SigLIP's attention pooling: one learned query attends to the normalized tokens; y = proj(attention(query, tokens)),
// then y += fc2(gelu(fc1(norm2(y)))).
struct AttentionPoolWeights {
  RowVector query;         // [C], mapped already
  LinearWeights key_value; // [2C, C]: rows of k, then v; within each, head by head
  LinearWeights proj;      // [C, C]
  LayerNormWeights norm2;
  LinearWeights fc1; // [hidden, C]
  LinearWeights fc2; // [C, hidden]
};

// All zero.
LinearWeights zero_linear(int outputs, int inputs);
LayerNormWeights zero_layer_norm(int channels);
BlockWeights zero_block(int channels, int mlp_hidden, const MlpForm &mlp = {}); // without a position bias
AttentionPoolWeights zero_attention_pool(int channels, int mlp_hidden);

// Both maps of the same input as one: the outputs of the first, then those of the second.
LinearWeights stacked(const LinearWeights &first, const LinearWeights &second);
// The map, or the maps as one, that read what a block's norm2 writes.
LinearWeights read_by_mlp(const BlockWeights &block);

// A tensor of a model under a name and a shape ("blocks.0.attn.qkv.weight", [3C, C]), row-major.
struct NamedTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  float *data = nullptr; // inside the weights, which must outlive this

  std::int64_t elements() const; // the product of shape
};

// Collects a list of named tensors.
class NamedTensors {
public:
  void add(std::string name, std::vector<std::int64_t> shape, float *data);
  // name.weight of that shape, its first dimension being the outputs, and name.bias.
  void add_linear(const std::string &name, std::vector<std::int64_t> shape, LinearWeights &layer);
  void add_layer_norm(const std::string &name, std::int64_t channels, LayerNormWeights &layer);
  // norm1, attn.qkv, attn.proj, norm2, mlp.fc1 and mlp.fc2, mlp.gate and mlp.norm where they are not empty; `prefix`
  // ends in a point.
  void add_block(const std::string &prefix, std::int64_t channels, std::int64_t mlp_hidden, BlockWeights &block);

  // query, key_value, proj, norm2, mlp.fc1 and mlp.fc2.
  void add_attention_pool(const std::string &prefix, std::int64_t channels, std::int64_t mlp_hidden,
                          AttentionPoolWeights &pool);

  std::vector<NamedTensor> take() { return std::move(tensors_); }

private:
  std::vector<NamedTensor> tensors_;
};

// Fills tensors for benchmarks and tests: weights get the variance 1 / in, so that activations keep their spread
// through the layers and attention is far from uniform. The same seed gives the same bits on every machine.
void randomize(const std::vector<NamedTensor> &tensors, std::uint32_t seed);

// A model of that configuration whose weights are random in this way. Throws as validate().
template <class Config> typename Config::Model random_weights(const Config &config, std::uint32_t seed) {
  validate(config);
  typename Config::Model model{config, typename Config::Model::Weights(config), {}};
  randomize(named_tensors(config, model.weights), seed);
  return model;
}

} // namespace intvit
