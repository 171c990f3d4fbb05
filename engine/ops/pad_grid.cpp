#include "engine/ops/pad_grid.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>

#include "engine/ops/window_attention.hpp"

namespace intvit {

namespace {

// Where on a padded side the patch at `place` goes. Windows read the padded side from `rolled` on and, behind its end,
// its beginning; read so, the patches stand in the same order without a gap and the padding comes last.
int padded_place(int place, int side, int padded, int rolled) {
  return ((place + side - rolled) % side + rolled) % padded;
}

std::string grid_text(int height, int width) {
  return std::to_string(height) + " rows and " + std::to_string(width) + " columns";
}

template <typename T> std::vector<std::byte> bytes_of(const std::vector<T> &values) {
  std::vector<std::byte> bytes(values.size() * sizeof(T));
  if (!values.empty())
    std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

} // namespace

void GridPadding::describe(Fields &fields) {
  fields.integer("grid_height", grid_height, 1, max_graph_side);
  fields.integer("grid_width", grid_width, 1, max_graph_side);
  fields.integer("padded_height", padded_height, 1, max_graph_side);
  fields.integer("padded_width", padded_width, 1, max_graph_side);
  fields.integer("rolled", rolled, 0, max_window - 1);
}

void GridPadding::check(NodeBinder &binder) const {
  if (padded_height < grid_height || padded_width < grid_width || padded_height > 2 * grid_height ||
      padded_width > 2 * grid_width)
    binder.fail("a grid of " + grid_text(grid_height, grid_width) + " cannot be padded to " +
                grid_text(padded_height, padded_width) + ": no side may be less, or more than twice as long");
  else if (std::int64_t{padded_height} * padded_width > max_window_patches)
    binder.fail("a grid of more than " + std::to_string(max_window_patches) + " patches");
  else if (rolled >= std::min(grid_height, grid_width))
    binder.fail("rolled must be below the grid's sides");
}

std::vector<int> GridPadding::sources() const {
  std::vector<int> result(static_cast<std::size_t>(padded_rows()), -1);
  for (int y = 0; y < grid_height; ++y)
    for (int x = 0; x < grid_width; ++x)
      result[static_cast<std::size_t>(padded_place(y, grid_height, padded_height, rolled)) *
                 static_cast<std::size_t>(padded_width) +
             static_cast<std::size_t>(padded_place(x, grid_width, padded_width, rolled))] = y * grid_width + x;
  return result;
}

Binding PadGrid::bind(NodeBinder &binder, std::span<const ValueInfo> inputs) const {
  const ValueInfo &input = inputs[0];
  padding.check(binder);
  auto bound = std::make_unique<BoundPlaceRows>();
  if (input.type == ElementType::int8)
    bound->constant = bytes_of(binder.read<std::int8_t>("padding", DType::i8, {input.columns}));
  else if (input.type == ElementType::int16)
    bound->constant = bytes_of(binder.read<std::int16_t>("padding", DType::i16, {input.columns}));
  else
    binder.fail("its input must be int8 or int16");
  if (binder.ok() && input.rows != padding.rows())
    binder.fail("a grid of " + grid_text(padding.grid_height, padding.grid_width) + " is not " +
                std::to_string(input.rows) + " patches");
  if (!binder.ok())
    return {};
  bound->sources = padding.sources();
  return {std::move(bound), {input.type, padding.padded_rows(), input.columns}};
}

Binding CropGrid::bind(NodeBinder &binder, std::span<const ValueInfo> inputs) const {
  const ValueInfo &input = inputs[0];
  padding.check(binder);
  if (input.type == ElementType::uint8)
    binder.fail("its input must not be the image");
  if (binder.ok() && input.rows != padding.padded_rows())
    binder.fail("a grid of " + grid_text(padding.padded_height, padding.padded_width) + " is not " +
                std::to_string(input.rows) + " patches");
  if (!binder.ok())
    return {};
  auto bound = std::make_unique<BoundPlaceRows>();
  bound->sources.resize(static_cast<std::size_t>(padding.rows()));
  const std::vector<int> sources = padding.sources();
  for (std::size_t place = 0; place < sources.size(); ++place)
    if (sources[place] >= 0)
      bound->sources[static_cast<std::size_t>(sources[place])] = static_cast<int>(place);
  return {std::move(bound), {input.type, padding.rows(), input.columns}};
}

void BoundPlaceRows::run(const Step &step) const {
  const std::size_t row_bytes = step.input_info().row_bytes();
  const int rows = step.output_info().rows;
  const kernels::Range share = step.team.share(step.batch() * rows);
  for (int i = share.begin; i < share.end; ++i) {
    const auto image = static_cast<std::size_t>(i / rows);
    const int source = sources[static_cast<std::size_t>(i % rows)];
    const std::byte *from =
        source < 0 ? constant.data() : step.inputs[0].image(image) + static_cast<std::size_t>(source) * row_bytes;
    std::memcpy(step.output.data + static_cast<std::size_t>(i) * row_bytes, from, row_bytes);
  }
}

} // namespace intvit
