// The rows of a grid of patches on a larger one, whose other rows are a constant; and back. Windows that do not divide
// a grid need it (docs/numerics.md, "Moving rows").
//
// Constants: of pad_grid, padding [C] of its input's type.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <vector>

#include "engine/ops/fields.hpp"
#include "engine/ops/node_binder.hpp"
#include "engine/ops/operation.hpp"

namespace intvit {

// Of both operations.
struct GridPadding {
  int grid_height = 0;
  int grid_width = 0;
  int padded_height = 0; // grid_height to twice that
  int padded_width = 0;
  int rolled =
      0; // patches at the top and at the left that windows take behind the last ones; less than the grid's side

  void describe(Fields &fields);
  void check(NodeBinder &binder) const;
  int rows() const { return grid_height * grid_width; }
  int padded_rows() const { return padded_height * padded_width; }
  // The grid's row at each place of the padded one, or -1.
  std::vector<int> sources() const;
};

struct PadGrid {
  static constexpr std::string_view name = "pad_grid";
  static constexpr std::array<std::string_view, 1> all_features{name};

  GridPadding padding;

  std::vector<std::string_view> features() const { return {name}; }
  std::vector<const char *> inputs() const { return {"input"}; }
  void describe(Fields &fields) { padding.describe(fields); }
  Binding bind(NodeBinder &binder, std::span<const ValueInfo> inputs) const;
};

struct CropGrid {
  static constexpr std::string_view name = "crop_grid";
  static constexpr std::array<std::string_view, 1> all_features{name};

  GridPadding padding;

  std::vector<std::string_view> features() const { return {name}; }
  std::vector<const char *> inputs() const { return {"input"}; }
  void describe(Fields &fields) { padding.describe(fields); }
  Binding bind(NodeBinder &binder, std::span<const ValueInfo> inputs) const;
};

// Each row of the output is one of the input, or the constant.
class BoundPlaceRows : public BoundOperation {
public:
  std::vector<int> sources; // [rows of the output]; -1: the constant
  std::vector<std::byte> constant;

  void run(const Step &step) const override;
  std::size_t expanded_bytes() const override { return sources.size() * sizeof(int); }
};

} // namespace intvit
