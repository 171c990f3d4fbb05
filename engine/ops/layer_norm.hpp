// Residual stream to int8 codes, to int16 codes of another stream, or to int32 features: docs/numerics.md, "PTF
// LayerNorm". One that is not `centred` does not take the mean off first: RMSNorm.
//
// Constants: multiplier i32 [C], offset i64 [C]; for an int8 stream also alpha u8 [C], zero_point i8 [C].
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "engine/ops/fields.hpp"
#include "engine/ops/node_binder.hpp"
#include "engine/ops/operation.hpp"

namespace intvit {

struct LayerNorm {
  static constexpr std::string_view name = "layer_norm";
  static constexpr std::array<std::string_view, 3> all_features{"layer_norm.int16", "layer_norm.int32",
                                                                "layer_norm.rms"};

  int shift = 0;
  std::int64_t epsilon = 0; // C^2 eps / scale^2
  ElementType output_type = ElementType::int8;
  bool centred = true;

  std::vector<std::string_view> features() const;
  std::vector<const char *> inputs() const { return {"input"}; }
  void describe(Fields &fields);
  Binding bind(NodeBinder &binder, std::span<const ValueInfo> inputs) const;
};

class BoundLayerNorm : public BoundOperation {
public:
  std::vector<std::uint8_t> alpha;     // empty where the stream is int16
  std::vector<std::int8_t> zero_point; // likewise
  bool centred = true;
  std::int64_t epsilon = 0;
  RequantizationConstants requantization;

  void run(const Step &step) const override;
};

} // namespace intvit
