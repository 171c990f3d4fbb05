#include "engine/ops/merge_patches.hpp"

#include <algorithm>
#include <cstring>

namespace intvit {

void MergePatches::describe(Fields &fields) {
  fields.integer("grid_height", grid_height, 2, max_graph_side);
  fields.integer("grid_width", grid_width, 2, max_graph_side);
}

Binding MergePatches::bind(NodeBinder &binder, std::span<const ValueInfo> inputs) const {
  const ValueInfo &input = inputs[0];
  const std::string grid =
      "a grid of " + std::to_string(grid_height) + " rows and " + std::to_string(grid_width) + " columns ";
  if (input.type == ElementType::uint8)
    binder.fail("its input must not be the image");
  if (grid_height % 2 != 0 || grid_width % 2 != 0)
    binder.fail(grid + "cannot be halved");
  if (std::int64_t{grid_height} * grid_width != input.rows)
    binder.fail(grid + "is not " + std::to_string(input.rows) + " patches");
  if (input.columns > max_columns / 4)
    binder.fail("would give " + std::to_string(std::int64_t{4} * input.columns) + " columns, more than " +
                std::to_string(max_columns));
  auto bound = std::make_unique<BoundMergePatches>();
  bound->grid_width = grid_width;
  return {std::move(bound), {input.type, input.rows / 4, std::min(input.columns, max_columns / 4) * 4}};
}

// An output row is the codes of four input rows, one after the other. Rows are counted over all images together: an
// image has an even number of rows of patches, so that no output row lies across two images.
void BoundMergePatches::run(const Step &step) const {
  const int across = grid_width / 2;
  const std::size_t row_bytes = step.input_info().row_bytes();
  const kernels::Range share = step.team.share(step.batch() * step.output_info().rows);
  for (int row = share.begin; row < share.end; ++row) {
    const int top_left = row / across * 2 * grid_width + row % across * 2;
    std::byte *place = step.output.data + static_cast<std::size_t>(row) * step.output_info().row_bytes();
    for (const int neighbour : {0, grid_width, 1, grid_width + 1}) {
      std::memcpy(place, step.inputs[0].data + static_cast<std::size_t>(top_left + neighbour) * row_bytes, row_bytes);
      place += row_bytes;
    }
  }
}

} // namespace intvit
