#include "engine/ops/join.hpp"

#include <algorithm>
#include <cstring>

namespace intvit {

Binding Join::bind(NodeBinder &binder, std::span<const ValueInfo> inputs) const {
  const ValueInfo &first = inputs[0];
  const ValueInfo &second = inputs[1];
  const std::int64_t columns = std::int64_t{first.columns} + second.columns;
  if (first.type == ElementType::uint8 || second.type == ElementType::uint8)
    binder.fail("its inputs must not be the image");
  else if (first.type != second.type || first.rows != second.rows)
    binder.fail("its inputs must have one type and equally many rows");
  else if (columns > max_columns)
    binder.fail("would give " + std::to_string(columns) + " columns, more than " + std::to_string(max_columns));
  return {std::make_unique<BoundJoin>(),
          {first.type, first.rows, static_cast<int>(std::min<std::int64_t>(columns, max_columns))}};
}

void BoundJoin::run(const Step &step) const {
  const std::size_t first = step.inputs[0].info->row_bytes();
  const std::size_t second = step.inputs[1].info->row_bytes();
  const kernels::Range share = step.team.share(step.batch() * step.output_info().rows);
  for (int i = share.begin; i < share.end; ++i) {
    const auto row = static_cast<std::size_t>(i);
    std::byte *to = step.output.data + row * (first + second);
    std::memcpy(to, step.inputs[0].data + row * first, first);
    std::memcpy(to + first, step.inputs[1].data + row * second, second);
  }
}

} // namespace intvit
