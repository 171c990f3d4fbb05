// Four neighbours on a grid of patches, [grid_height * grid_width, C], to one row of 4 C: top left, bottom left, top
// right, bottom right.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "engine/ops/fields.hpp"
#include "engine/ops/node_binder.hpp"
#include "engine/ops/operation.hpp"

namespace intvit {

struct MergePatches {
  static constexpr std::string_view name = "merge_patches";
  static constexpr std::array<std::string_view, 1> all_features{name};

  int grid_height = 0; // both even
  int grid_width = 0;

  std::vector<std::string_view> features() const { return {name}; }
  std::vector<const char *> inputs() const { return {"input"}; }
  void describe(Fields &fields);
  Binding bind(NodeBinder &binder, std::span<const ValueInfo> inputs) const;
};

class BoundMergePatches : public BoundOperation {
public:
  int grid_width = 0; // of the input

  void run(const Step &step) const override;
};

} // namespace intvit
