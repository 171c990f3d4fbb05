// The product of two values of int8 codes, element by element: docs/numerics.md, "Product".
//
// Constants: zero_point and factor_zero_point i8 [C], of the input and of the factor; multiplier i32 [C], offset i64
// [C], from the product.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "engine/ops/fields.hpp"
#include "engine/ops/node_binder.hpp"
#include "engine/ops/operation.hpp"

namespace intvit {

struct Multiply {
  static constexpr std::string_view name = "multiply";
  static constexpr std::array<std::string_view, 1> all_features{"multiply"};

  int shift = 0;
  ElementType output_type = ElementType::int8; // or int16

  std::vector<std::string_view> features() const { return {all_features[0]}; }
  std::vector<const char *> inputs() const { return {"input", "factor"}; }
  void describe(Fields &fields);
  Binding bind(NodeBinder &binder, std::span<const ValueInfo> inputs) const;
};

class BoundMultiply : public BoundOperation {
public:
  std::vector<std::int8_t> zero_point;
  std::vector<std::int8_t> factor_zero_point;
  RequantizationConstants requantization;

  void run(const Step &step) const override;
};

} // namespace intvit
