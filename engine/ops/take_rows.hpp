// The first rows of a value.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "engine/ops/fields.hpp"
#include "engine/ops/node_binder.hpp"
#include "engine/ops/operation.hpp"

namespace intvit {

struct TakeRows {
  static constexpr std::string_view name = "take_rows";
  static constexpr std::array<std::string_view, 0> all_features{};

  int rows = 0;

  std::vector<std::string_view> features() const { return {}; }
  std::vector<const char *> inputs() const { return {"input"}; }
  void describe(Fields &fields);
  Binding bind(NodeBinder &binder, std::span<const ValueInfo> inputs) const;
};

} // namespace intvit
