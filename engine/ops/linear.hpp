// A matrix product with what happens to its accumulators: docs/numerics.md, "Linear".
//
// Constants: weight i8 [N, K] (or those of another weight format), multiplier i32 [N], offset i64 [N];
// gelu: gelu_multiplier i16 [N], gelu_zero_point i8 [N]; residual: residual_multiplier i32 [N].
// The residual epilogue has a second input, the stream that is added to.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "engine/ops/fields.hpp"
#include "engine/ops/node_binder.hpp"
#include "engine/ops/operation.hpp"

namespace intvit {

struct Linear {
  static constexpr std::string_view name = "linear";
  static constexpr std::array<std::string_view, 6> all_features{"requantize16", "gelu16",        "quick_gelu",
                                                                "silu",         "residual.ptf8", "residual.int16"};

  kernels::Epilogue epilogue = kernels::Epilogue::requantize;
  int shift = 0;
  int gelu_fraction_bits = 0; // gelu
  kernels::GeluFunction gelu_function = kernels::GeluFunction::gelu;
  int residual_shift = 0;                      // residual
  ElementType output_type = ElementType::int8; // residual: int8 or int16

  std::vector<std::string_view> features() const;
  std::vector<const char *> inputs() const;
  void describe(Fields &fields);
  Binding bind(NodeBinder &binder, std::span<const ValueInfo> inputs) const;
};

class BoundLinear : public BoundOperation {
public:
  kernels::Epilogue epilogue = kernels::Epilogue::requantize;
  int gelu_fraction_bits = 0;
  kernels::GeluFunction gelu_function = kernels::GeluFunction::gelu;
  std::vector<std::int16_t> gelu_multiplier;
  std::vector<std::int8_t> gelu_zero_point;
  int residual_shift = 0;
  std::vector<std::int32_t> residual_multiplier;

  void run(const Step &step) const override;
  std::size_t scratch_bytes(const kernels::KernelTable &kernels) const override;
  std::int64_t multiply_accumulates(std::int64_t output_rows) const override;
};

} // namespace intvit
