// Which tokens become one, from the q, k, v codes [tokens, 3 C] of an attention: docs/numerics.md, "Merging tokens".
// merge_tokens then merges the rows of a stream.
//
// Constants: score_multiplier i32 [heads].
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "engine/ops/attention.hpp"
#include "kernels/range.hpp"
#include "kernels/token_merging.hpp"

namespace intvit {

struct MatchTokens {
  static constexpr std::string_view name = "match_tokens";
  static constexpr std::array<std::string_view, 1> all_features{name};

  int pairs = 0; // 1 and more
  int first = 0; // so many tokens at the beginning do not merge
  // Whether a token is the more important the more attention the first token pays to it; otherwise all are equal.
  bool weighted = false;
  // The attention whose queries and keys these are: its scores, which only count where tokens are weighted, and
  // `sized`.
  Attention attention;

  std::vector<std::string_view> features() const { return {name}; }
  std::vector<const char *> inputs() const { return attention.inputs(); }
  void describe(Fields &fields);
  Binding bind(NodeBinder &binder, std::span<const ValueInfo> inputs) const;
};

class BoundMatchTokens : public BoundOperation {
public:
  int tokens = 0;
  int channels = 0; // of the keys
  int pairs = 0;
  int first = 0;
  bool weighted = false;
  bool sized = false;
  std::unique_ptr<BoundAttention> attention; // its scores

  void run(const Step &step) const override;
  int phases() const override { return 2; }
  std::size_t scratch_bytes(const kernels::KernelTable &kernels) const override;
  std::size_t expanded_bytes() const override;

private:
  void find_partners(const Step &step, std::size_t image, kernels::Range ranks) const;
  kernels::MatchTokensArgs arguments(const Step &step, std::size_t image) const;
  std::size_t kernel_scratch_bytes(const kernels::KernelTable &kernels) const;
};

} // namespace intvit
