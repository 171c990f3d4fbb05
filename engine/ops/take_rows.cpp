#include "engine/ops/take_rows.hpp"

#include "engine/ops/copy.hpp"
#include "kernels/attention.hpp"

namespace intvit {

void TakeRows::describe(Fields &fields) {
  fields.integer("rows", rows, 1, kernels::max_tokens);
}

Binding TakeRows::bind(NodeBinder &binder, std::span<const ValueInfo> inputs) const {
  ValueInfo output = inputs[0];
  if (output.type == ElementType::uint8)
    binder.fail("its input must not be the image");
  if (rows > output.rows)
    binder.fail("takes " + std::to_string(rows) + " rows of " + std::to_string(output.rows));
  output.rows = rows;
  return {std::make_unique<BoundCopy>(), output};
}

} // namespace intvit
