// The mean of rows [first, first + rows): one row. docs/numerics.md, "Mean of rows". With `sizes`, rows are tokens that
// have been merged, and each counts as often as it stands for patches.
//
// Constants: multiplier i32 [C], offset i64 [C], from the rows' sum.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "engine/ops/fields.hpp"
#include "engine/ops/node_binder.hpp"
#include "engine/ops/operation.hpp"

namespace intvit {

struct MeanRows {
  static constexpr std::string_view name = "mean_rows";
  static constexpr std::array<std::string_view, 2> all_features{name, "mean_rows.sizes"};

  int first = 0;
  int rows = 0;
  int shift = 0;
  ElementType output_type = ElementType::int8;
  bool sized = false; // reads sizes of match_tokens

  std::vector<std::string_view> features() const;
  std::vector<const char *> inputs() const;
  void describe(Fields &fields);
  Binding bind(NodeBinder &binder, std::span<const ValueInfo> inputs) const;
};

class BoundMeanRows : public BoundOperation {
public:
  int first = 0;
  int rows = 0;
  bool sized = false;
  int weight = 0; // of all rows together, if the rows before the first have not been merged
  RequantizationConstants requantization;

  void run(const Step &step) const override;
};

} // namespace intvit
