// Image to rows of pixels, int8 [patches, patch * patch * 3]: docs/numerics.md, "Patches".
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "engine/ops/fields.hpp"
#include "engine/ops/node_binder.hpp"
#include "engine/ops/operation.hpp"

namespace intvit {

struct Patches {
  static constexpr std::string_view name = "patches";
  static constexpr std::array<std::string_view, 1> all_features{"patches.partial"};

  int patch = 0; // side in pixels
  // Pixels at the right and at the bottom that do not fill a patch are left out. Otherwise there are none.
  bool partial = false;

  std::vector<std::string_view> features() const;
  std::vector<const char *> inputs() const { return {"input"}; }
  void describe(Fields &fields);
  Binding bind(NodeBinder &binder, std::span<const ValueInfo> inputs) const;
};

class BoundPatches : public BoundOperation {
public:
  int patch = 0;

  void run(const Step &step) const override;
};

} // namespace intvit
