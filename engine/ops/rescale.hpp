// Codes brought to another scale and, with a `residual`, added to a stream: docs/numerics.md, "Rescaling".
//
// Constants: multiplier i32 [C], offset i64 [C]; with a residual, residual_multiplier i32 [C].
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/ops/fields.hpp"
#include "engine/ops/node_binder.hpp"
#include "engine/ops/operation.hpp"

namespace intvit {

struct Rescale {
  static constexpr std::string_view name = "rescale";
  static constexpr std::array<std::string_view, 1> all_features{name};

  int shift = 0;
  ElementType output_type = ElementType::int8; // or int16
  bool adds = false;                           // to a stream
  int residual_shift = 0;                      // of it

  std::vector<std::string_view> features() const { return {name}; }
  std::vector<const char *> inputs() const;
  void describe(Fields &fields);
  Binding bind(NodeBinder &binder, std::span<const ValueInfo> inputs) const;
};

class BoundRescale : public BoundOperation {
public:
  RequantizationConstants requantization;
  int residual_shift = 0;
  std::vector<std::int32_t> residual_multiplier; // empty where nothing is added

  void run(const Step &step) const override;
};

} // namespace intvit
