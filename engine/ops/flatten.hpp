// All rows of a value one after the other, as a single one.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "engine/ops/fields.hpp"
#include "engine/ops/node_binder.hpp"
#include "engine/ops/operation.hpp"

namespace intvit {

struct Flatten {
  static constexpr std::string_view name = "flatten";
  static constexpr std::array<std::string_view, 1> all_features{name};

  std::vector<std::string_view> features() const { return {name}; }
  std::vector<const char *> inputs() const { return {"input"}; }
  void describe(Fields &) {}
  Binding bind(NodeBinder &binder, std::span<const ValueInfo> inputs) const;
};

} // namespace intvit
