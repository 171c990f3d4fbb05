// Rows of int32 features brought to length 1, as codes for a linear map or as another value: docs/numerics.md, "L2
// normalization".
//
// Constants: multiplier i32 [C], offset i64 [C].
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "engine/ops/fields.hpp"
#include "engine/ops/node_binder.hpp"
#include "engine/ops/operation.hpp"

namespace intvit {

struct L2Normalize {
  static constexpr std::string_view name = "l2_normalize";
  static constexpr std::array<std::string_view, 1> all_features{name};

  int shift = 0;
  ElementType output_type = ElementType::int8;

  std::vector<std::string_view> features() const { return {name}; }
  std::vector<const char *> inputs() const { return {"input"}; }
  void describe(Fields &fields);
  Binding bind(NodeBinder &binder, std::span<const ValueInfo> inputs) const;
};

class BoundL2Normalize : public BoundOperation {
public:
  RequantizationConstants requantization;

  void run(const Step &step) const override;
};

} // namespace intvit
