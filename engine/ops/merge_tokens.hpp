// Merges rows of a stream, as match_tokens has found: docs/numerics.md, "Merging tokens". No fields, no constants.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "engine/ops/fields.hpp"
#include "engine/ops/node_binder.hpp"
#include "engine/ops/operation.hpp"

namespace intvit {

struct MergeTokens {
  static constexpr std::string_view name = "merge_tokens";
  static constexpr std::array<std::string_view, 1> all_features{name};

  std::vector<std::string_view> features() const { return {name}; }
  std::vector<const char *> inputs() const { return {"input", "groups"}; }
  void describe(Fields &) {}
  Binding bind(NodeBinder &binder, std::span<const ValueInfo> inputs) const;
};

class BoundMergeTokens : public BoundOperation {
public:
  int tokens = 0;

  void run(const Step &step) const override;
  std::size_t scratch_bytes(const kernels::KernelTable &kernels) const override;
};

} // namespace intvit
