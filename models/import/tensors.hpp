// Tensors of weight files as float32 matrices.
#pragma once

#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "engine/container/tensor_view.hpp"
#include "models/architectures/model_config.hpp"
#include "models/architectures/weights.hpp"
#include "models/import/weight_files.hpp"

namespace intvit::importer {

// "[192, 3, 16, 16]"
std::string shape_text(const std::vector<std::int64_t> &shape);

// Reads a model's tensors one by one and keeps account of them. Each is checked against the shape it must have before
// anything is allocated for it, so that no more memory is taken than the files are long. All throw std::runtime_error
// that names the tensor: it is missing or of another shape (both are told), its type is none of F32, F16 and BF16, or
// an element is NaN, infinite or beyond largest_value.
class TensorReader {
public:
  using Shape = std::vector<std::int64_t>;

  explicit TensorReader(const WeightFiles &files) : files_(files) {}

  // The tensor of that shape as rows of `columns` elements, which divide it.
  RowMatrix matrix(const std::string &name, const Shape &shape, std::int64_t columns);
  RowVector vector(const std::string &name, std::int64_t size);
  // name.weight of that shape, the outputs first, and name.bias; zeros where there is to be no bias.
  LinearWeights linear(const std::string &name, const Shape &shape, bool has_bias = true);
  // A convolution over patches of `colours` channels: [channels, colours, patch, patch]. Three are red, green and
  // blue; one is grey, which Pillow mixes of them. Grey's weights are given to the three in the same shares, so that
  // the map takes RGB pictures. The mean and deviation must then be the same in all colours (require_grey_pixels()).
  LinearWeights patch_embedding(const std::string &name, std::int64_t channels, std::int64_t colours,
                                std::int64_t patch, bool has_bias = true);
  // As linear(), of weights that are STLQ words: with name.stlq_unit. Throws where they are none.
  LinearWeights linear_words(const std::string &name, const Shape &shape, bool has_bias = true);
  LayerNormWeights layer_norm(const std::string &name, std::int64_t channels, bool has_bias = true);

  bool has(const std::string &name) const { return files_.find(name) != nullptr; }
  // A dimension of a tensor; 0 where it is missing, has no such dimension or one that no model has.
  int dimension(const std::string &name, std::size_t index) const;

  // Tensors that may be there and have no influence on the result: one, and all whose names begin so.
  void ignore_all(const std::string &prefix);
  void ignore(const std::string &name) { read_.insert(name); }

  // Throws std::runtime_error, naming a tensor that was neither read nor ignored and ending in `hint`.
  void require_all_read(const std::string &hint) const;

private:
  const WeightFiles &files_;
  std::set<std::string, std::less<>> read_;
};

// For a model of grey pictures, which has one mean and one deviation. Throws std::runtime_error, ending in `hint`,
// where those of the three colours differ.
void require_grey_pixels(const ModelConfig &config, const std::string &hint);

// What a block's tensors are called, after the block's own name; timm's names. Everything but a layer scale and the
// qkv map's bias is there in every block.
struct BlockNames {
  std::string norm1 = "norm1";
  // One map to queries, keys and values [3 C, C], or three [C, C].
  std::vector<std::string> qkv = {"attn.qkv"};
  bool qkv_bias = true;
  std::array<bool, 3> qkv_biases = {true, true, true}; // of the three, where there are three and qkv_bias
  // Of one map: tensors of queries' and values' biases, where it has none itself. Keys then have none.
  std::string query_bias;
  std::string value_bias;
  std::string proj = "attn.proj";
  std::string attention_norm; // of proj's input; empty: there is none
  bool norm_bias = true;      // RMSNorm's have none
  bool proj_bias = true;
  bool mlp_bias = true;
  std::string scale1; // layer scale (arXiv 2103.17239) of the attention branch, folded into proj; empty: there is none
  std::string norm2 = "norm2";
  std::string fc1 = "mlp.fc1";
  std::string fc2 = "mlp.fc2";
  // Of a gated MLP: the gate's map, [hidden, C], or nothing where fc1 is both, [2 hidden, C], the gate first.
  std::string gate;
  std::string mlp_norm = "mlp.norm"; // where the MLP has one
  std::string scale2;                // of the MLP branch, folded into fc2
  bool stlq_words = false;           // the weights of the linear maps are STLQ words
};

// The block whose tensors' names begin with `prefix`.
BlockWeights read_block(TensorReader &tensors, const std::string &prefix, const BlockNames &names,
                        std::int64_t channels, std::int64_t mlp_hidden, const MlpForm &mlp = {});

// BlockWeights::position_bias of windows of `size` x `size` tokens, which files hold as [(2 size - 1)^2, heads].
RowMatrix read_position_bias(TensorReader &tensors, const std::string &name, int size, int heads);

// What a linear map makes of the only row of x. Sums are taken in double.
RowVector mapped(const RowMatrix &x, const LinearWeights &layer);

// The heads of class token and distillation token as one map of both tokens side by side: their logits are averaged.
LinearWeights read_two_heads(TensorReader &tensors, const std::string &token, const std::string &distilled, int classes,
                             std::int64_t channels);

} // namespace intvit::importer
