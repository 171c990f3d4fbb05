// q, k, v codes [tokens, 3 C] to codes [queries, C], from scores to output in one operation: docs/numerics.md,
// "Attention".
//
// Constants: score_multiplier i32 [heads], multiplier i32 [C], offset i64 [C].
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
  static constexpr std::array<std::string_view, 4> all_features{"softmax.lis4", "softmax.lis8", "softmax.int8",
                                                                "softmax.int16"};

  int heads = 0;
  int queries = 0; // how many of the first tokens ask; 0: all
  kernels::Softmax softmax = kernels::Softmax::lis4;
  bool renormalize = true;
  int score_shift = 0;
  kernels::ExpPolynomial exp;
  int shift = 0;

  std::vector<std::string_view> features() const;
  std::vector<const char *> inputs() const { return {"input"}; }
  void describe(Fields &fields);
  Binding bind(NodeBinder &binder, std::span<const ValueInfo> inputs) const;

  // The fields without `queries`, which windows have in common.
  void describe_heads(Fields &fields);
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

private:
  void run_windows(const Step &step, kernels::AttentionArgs args) const;
};

// Binds what softmax, values and output need, of `op.heads` heads of `tokens` tokens: everything but the proof that a
// score_multiplier fits, which depends on biases.
std::unique_ptr<BoundAttention> bind_heads(NodeBinder &binder, const Attention &op, int tokens, const ValueInfo &qkv);

} // namespace intvit
