#include "engine/ops/flatten.hpp"

#include <algorithm>

#include "engine/ops/copy.hpp"

namespace intvit {

Binding Flatten::bind(NodeBinder &binder, std::span<const ValueInfo> inputs) const {
  const ValueInfo &input = inputs[0];
  if (input.type == ElementType::uint8)
    binder.fail("its input must not be the image");
  const std::int64_t columns = std::int64_t{input.rows} * input.columns;
  if (columns > max_columns)
    binder.fail("would give " + std::to_string(columns) + " columns, more than " + std::to_string(max_columns));
  return {std::make_unique<BoundCopy>(),
          {input.type, 1, static_cast<int>(std::min<std::int64_t>(columns, max_columns))}};
}

} // namespace intvit
