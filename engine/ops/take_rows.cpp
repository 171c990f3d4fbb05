#include "engine/ops/take_rows.hpp"

#include "engine/ops/copy.hpp"
#include "kernels/attention.hpp"

namespace intvit {

void TakeRows::describe(Fields &fields) {
  fields.integer("rows", rows, 1, kernels::max_tokens);
}

Binding TakeRows::bind(NodeBinder &binder, std::span<const ValueInfo> inputs) const {
  const ValueInfo &input = inputs[0];
  if (input.type == ElementType::uint8)
    binder.fail("its input must not be the image");
  if (rows > input.rows)
    binder.fail("takes " + std::to_string(rows) + " rows of " + std::to_string(input.rows));
  return {std::make_unique<BoundCopy>(), {input.type, rows, input.columns}};
}

} // namespace intvit
