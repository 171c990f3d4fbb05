// q, k, v codes of 16 bits [tokens, 3 C] to codes of 8 bits, each head's queries and keys brought to one length:
// docs/numerics.md, "Cosine attention".
//
// Constants: multiplier i32 [3 C], offset i64 [3 C].
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "engine/ops/fields.hpp"
#include "engine/ops/node_binder.hpp"
#include "engine/ops/operation.hpp"

namespace intvit {

struct NormalizeHeads {
  static constexpr std::string_view name = "normalize_heads";
  static constexpr std::array<std::string_view, 1> all_features{name};

  int heads = 0;
  int shift = 0;

  std::vector<std::string_view> features() const { return {name}; }
  std::vector<const char *> inputs() const { return {"input"}; }
  void describe(Fields &fields);
  Binding bind(NodeBinder &binder, std::span<const ValueInfo> inputs) const;
};

class BoundNormalizeHeads : public BoundOperation {
public:
  int heads = 0;
  RequantizationConstants requantization;

  void run(const Step &step) const override;
};

} // namespace intvit
