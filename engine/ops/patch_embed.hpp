// Patches to the residual stream: a linear map plus positions, with the rows of tokens that are no patches (class,
// distillation, registers) in front. docs/numerics.md, "Patch embedding".
//
// Constants: weight i8 [C, K], multiplier i32 [C], offset i64 [C], position i16 [patches, C], position_multiplier i32
// [C], prefix_tokens i8 or i16 [prefix_rows, C], whose type is the stream's; one row alone is class_token [C].
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "engine/ops/fields.hpp"
#include "engine/ops/node_binder.hpp"
#include "engine/ops/operation.hpp"

namespace intvit {

struct PatchEmbed {
  static constexpr std::string_view name = "patch_embed";
  static constexpr std::array<std::string_view, 1> all_features{"prefix_tokens"};

  int shift = 0;
  int position_shift = 0;
  int prefix_rows = 1;

  std::vector<std::string_view> features() const;
  std::vector<const char *> inputs() const { return {"input"}; }
  void describe(Fields &fields);
  Binding bind(NodeBinder &binder, std::span<const ValueInfo> inputs) const;
};

class BoundPatchEmbed : public BoundOperation {
public:
  std::vector<std::int16_t> position; // [patches, C]
  std::vector<std::int32_t> position_multiplier;
  int position_shift = 0;
  int prefix_rows = 0;
  std::vector<std::byte> prefix; // [prefix_rows, C] codes of the stream's type

  void run(const Step &step) const override;
  std::size_t scratch_bytes(const kernels::KernelTable &kernels) const override;
  std::int64_t multiply_accumulates(std::int64_t output_rows) const override;
  std::size_t constant_bytes() const override { return position.size() * sizeof(position[0]); }
};

} // namespace intvit
