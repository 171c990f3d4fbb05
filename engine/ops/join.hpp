// The rows of two values side by side: columns of the first, then those of the second.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "engine/ops/fields.hpp"
#include "engine/ops/node_binder.hpp"
#include "engine/ops/operation.hpp"

namespace intvit {

struct Join {
  static constexpr std::string_view name = "join";
  static constexpr std::array<std::string_view, 1> all_features{name};

  std::vector<std::string_view> features() const { return {name}; }
  std::vector<const char *> inputs() const { return {"input", "beside"}; }
  void describe(Fields &) {}
  Binding bind(NodeBinder &binder, std::span<const ValueInfo> inputs) const;
};

class BoundJoin : public BoundOperation {
public:
  void run(const Step &step) const override;
};

} // namespace intvit
