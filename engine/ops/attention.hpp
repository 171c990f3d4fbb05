// q, k, v codes [tokens, 3 C] to codes [queries, C], from scores to output in one operation: docs/numerics.md,
// "Attention".
//
// With `sizes`, tokens have been merged: a score grows with the number of patches that its token stands for
// (docs/numerics.md, "Merging tokens").
//
// If it is `biased`, the last tokens are the patches of a grid of h rows and w columns, row by row, and scores have a
// relative position bias (docs/numerics.md, "Windows, biases and masks").
//
// Constants: score_multiplier i32 [heads], multiplier i32 [C], offset i64 [C]; if it is biased, in units of the head's
// scores, relative_bias i32 [heads, 2h - 1, 2w - 1] for two patches, as window_attention's, and prefix_bias i32 [heads,
// 3] for a query before the patches and a patch, the reverse, and two tokens before the patches.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "engine/ops/fields.hpp"
#include "engine/ops/node_binder.hpp"
#include "engine/ops/operation.hpp"

namespace intvit {

struct Attention {
  static constexpr std::string_view name = "attention";
  // The first ones in the order of Softmax.
  static constexpr std::array<std::string_view, kernels::softmax_count + 2> all_features{
      "softmax.lis4", "softmax.lis8", "softmax.int8", "softmax.int16", "attention.sizes", "attention.bias"};

  int heads = 0;
  int queries = 0; // how many of the first tokens ask; 0: all
  kernels::Softmax softmax = kernels::Softmax::lis4;
  bool renormalize = true;
  int score_shift = 0;
  kernels::ExpPolynomial exp;
  int shift = 0;
  bool sized = false;  // reads sizes of match_tokens
  bool biased = false; // by relative positions; not together with sizes

  std::vector<std::string_view> features() const;
  std::vector<const char *> inputs() const;
  void describe(Fields &fields);
  Binding bind(NodeBinder &binder, std::span<const ValueInfo> inputs) const;

  // The fields without `queries` and `sizes`, which windows have in common; and of those, what makes distances of
  // queries and keys.
  void describe_heads(Fields &fields);
  void describe_scores(Fields &fields);
};

// Windows on a grid of patches; without any (count 0), all rows attend to all.
struct BoundWindows {
  int count = 0;
  std::vector<std::int32_t> rows; // [count, tokens of a window]: the window's tokens on the grid
  // For kernels::ScoreBias.
  std::ptrdiff_t stride = 0;             // of a query's biases or mask, in elements
  std::vector<std::int32_t> bias;        // [heads, tokens, stride]
  std::vector<std::int32_t> masks;       // [kinds of masks, tokens, stride]
  std::vector<std::int32_t> masking;     // [heads]: what is taken off a masked score
  std::vector<std::int8_t> window_masks; // [count]: which of `masks` a window has, or -1; empty without masks
};

// Position biases of a grid of patches, whose rows are made when they are read: all together take too much memory.
struct BoundBiasGrid {
  int height = 0; // 0: there are none
  int width = 0;
  int prefix = 0; // tokens before the patches
  // [heads, (2 height - 1) * (2 width - 1)]: in reverse, so that those of neighbouring keys follow one another.
  std::vector<std::int32_t> patches;
  std::vector<std::int32_t> others; // [heads, 3]: prefix_bias
};

class BoundAttention : public BoundOperation {
public:
  int tokens = 0; // that attend to one another
  int heads = 0;
  int head_dim = 0;
  int queries = 0;
  kernels::Softmax softmax = kernels::Softmax::lis4;
  bool renormalize = true;
  std::vector<std::int32_t> score_multiplier;
  int score_shift = 0;
  kernels::ExpTable exp{};
  bool exp_halves = false;
  std::array<std::uint8_t, 256> int8_weights{};
  int int16_weight_shift = 0;
  RequantizationConstants requantization;
  BoundWindows windows;
  BoundBiasGrid bias_grid;
  // Where tokens have sizes, kernels::size_score() of each: [heads, largest_size + 1], that of 0 being unused.
  std::vector<std::int32_t> size_scores;
  int largest_size = 0;

  void run(const Step &step) const override;
  std::size_t scratch_bytes(const kernels::KernelTable &kernels) const override;
  std::size_t expanded_bytes() const override;
  std::int64_t multiply_accumulates(std::int64_t output_rows) const override;
  std::size_t constant_bytes() const override;

  // The kernels' arguments as far as constants give them. The caller adds qkv, output and scratch and, where there are
  // windows, calls choose_window().
  kernels::AttentionArgs arguments() const;
  // From now on the arguments are those of that window's tokens.
  void choose_window(int window, kernels::AttentionArgs &args) const;
  // With a grid: makes `args` read biases of the queries `asking` in a head alone, written to `rows`, as many as there
  // are queries of bias_stride() elements.
  void use_bias_rows(int head, kernels::Range asking, std::int32_t *rows, kernels::AttentionArgs &args) const;
  std::ptrdiff_t bias_stride() const {
    return std::ptrdiff_t{(tokens + kernels::bias_lanes - 1) / kernels::bias_lanes} * kernels::bias_lanes;
  }
  // Writes a head's token_bias of tokens of these sizes.
  void write_token_bias(int head, const std::int32_t *sizes, std::int32_t *token_bias) const;

private:
  std::size_t bias_elements() const; // of scratch memory, for biases that are made when they are read
  void run_windows(const Step &step, kernels::AttentionArgs args) const;
};

// Whether it is what match_tokens writes of so many remaining tokens.
bool are_sizes_of(const ValueInfo &value, int tokens);

// The sizes of an image's remaining tokens among that.
const std::int32_t *sizes_of_image(const Operand &groups, std::size_t image);

// Binds what makes distances of queries and keys, of `op.heads` heads with `channels` channels together: everything but
// the proof that a score_multiplier fits, which depends on biases.
std::unique_ptr<BoundAttention> bind_scores(NodeBinder &binder, const Attention &op, int tokens, int channels);

// Makes size_scores, if op.sized says that there are `sizes`, and proves that scores fit.
void bind_sizes(NodeBinder &binder, const Attention &op, std::span<const ValueInfo> inputs, BoundAttention &bound);

// How far a head's biases lie apart, which must not be beyond max_score_bias.
std::uint64_t bias_range(NodeBinder &binder, std::span<const std::int32_t> biases);

// bind_scores() and what softmax, values and output need.
std::unique_ptr<BoundAttention> bind_heads(NodeBinder &binder, const Attention &op, int tokens, const ValueInfo &qkv);

} // namespace intvit
