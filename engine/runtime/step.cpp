#include "engine/runtime/step.hpp"

#include <algorithm>
#include <cstring>

#include "engine/runtime/attention_args.hpp"

namespace intvit {

using kernels::ElementType;
using kernels::Range;

namespace {

// A residual stream as kernels see it.
kernels::ResidualCodes residual_codes(const std::byte *data, const ValueInfo &info) {
  return {data, info.type, info.columns};
}

} // namespace

void Step::patches(const BoundPatches &op, std::span<const std::uint8_t *const> images) const {
  const int count = output.rows;
  const Range share = team.share(batch * count);
  for (int image = share.begin / count; image * count < share.end; ++image) {
    const kernels::PatchesArgs args{.rgb = images[static_cast<std::size_t>(image)],
                                    .width = input.columns / 3,
                                    .patch = op.patch,
                                    .output = reinterpret_cast<std::int8_t *>(to) +
                                              static_cast<std::size_t>(image) * output.bytes()};
    kernels.patches(args, {std::max(share.begin - image * count, 0), std::min(share.end - image * count, count)});
  }
}

void Step::patch_embed(const BoundPatchEmbed &op) const {
  for (int image = 0; image < batch; ++image) {
    std::byte *rows = to + static_cast<std::size_t>(image) * output.bytes();
    const kernels::LinearArgs args{.input = reinterpret_cast<const std::int8_t *>(from) +
                                            static_cast<std::size_t>(image) * input.bytes(),
                                   .input_stride = input.columns,
                                   .packed = packed,
                                   .weight_format = op.weights.format,
                                   .in_features = input.columns,
                                   .out_features = output.columns,
                                   .epilogue = kernels::Epilogue::residual,
                                   .shift = op.requantization.shift,
                                   .residual = {.stream = {op.position.data(), ElementType::int16, output.columns},
                                                .multiplier = op.position_multiplier.data(),
                                                .shift = op.position_shift},
                                   .output = rows + op.prefix.size(),
                                   .output_type = op.stream_type,
                                   .output_stride = output.columns,
                                   .scratch = scratch};
    run_linear(args, input.rows);
    if (image % team.size == team.index)
      std::copy(op.prefix.begin(), op.prefix.end(), rows);
  }
}

void Step::layer_norm(const BoundLayerNorm &op) const {
  const kernels::LayerNormArgs args{.input = residual_codes(from, input),
                                    .channels = input.columns,
                                    .alpha = op.alpha.data(),
                                    .zero_point = op.zero_point.data(),
                                    .epsilon = op.epsilon,
                                    .requantization = op.requantization.view(),
                                    .output = to,
                                    .output_type = op.output_type};
  kernels.layer_norm(args, team.share(batch * input.rows));
}

void Step::linear(const BoundLinear &op, const std::byte *stream, const ValueInfo &stream_info) const {
  kernels::LinearArgs args{.input = reinterpret_cast<const std::int8_t *>(from),
                           .input_stride = input.columns,
                           .packed = packed,
                           .weight_format = op.weights.format,
                           .in_features = input.columns,
                           .out_features = output.columns,
                           .epilogue = op.epilogue,
                           .shift = op.requantization.shift,
                           .gelu = {.fraction_bits = op.gelu_fraction_bits,
                                    .multiplier = op.gelu_multiplier.data(),
                                    .zero_point = op.gelu_zero_point.data()},
                           .output = to,
                           .output_type = output.type,
                           .output_stride = output.columns,
                           .scratch = scratch};
  if (op.epilogue == kernels::Epilogue::residual)
    args.residual = {.stream = residual_codes(stream, stream_info),
                     .multiplier = op.residual_multiplier.data(),
                     .shift = op.residual_shift};
  run_linear(args, batch * input.rows);
}

void Step::attention(const BoundAttention &op) const {
  kernels::AttentionArgs args = attention_args(op);
  args.scratch = scratch;
  if (op.windows.count > 0)
    return window_attention(op, args);
  // Every row of every head of every image is a task.
  const Range share = team.share(batch * op.heads * op.queries);
  for (int head = share.begin / op.queries; head * op.queries < share.end; ++head) {
    const auto image = static_cast<std::size_t>(head / op.heads);
    args.qkv = reinterpret_cast<const std::int8_t *>(from + image * input.bytes());
    args.output = reinterpret_cast<std::int8_t *>(to + image * output.bytes());
    kernels.attention.run(
        args, head % op.heads,
        {std::max(share.begin - head * op.queries, 0), std::min(share.end - head * op.queries, op.queries)});
  }
}

// Every head of every window of every image is a task.
void Step::window_attention(const BoundAttention &op, kernels::AttentionArgs args) const {
  const Range share = team.share(batch * op.windows.count * op.heads);
  for (int task = share.begin; task < share.end; ++task) {
    const int window = task / op.heads % op.windows.count;
    const auto image = static_cast<std::size_t>(task / op.heads / op.windows.count);
    args.qkv = reinterpret_cast<const std::int8_t *>(from + image * input.bytes());
    args.output = reinterpret_cast<std::int8_t *>(to + image * output.bytes());
    choose_window(op, window, args);
    kernels.attention.run(args, task % op.heads, {0, op.tokens});
  }
}

// This thread's share of a matrix product: a rectangle of the output, of whole tiles.
void Step::run_linear(const kernels::LinearArgs &args, int rows) const {
  const Rectangle share =
      team.share({rows, kernels.linear.tile_rows}, {args.out_features, kernels.linear.tile_columns});
  kernels.linear.run(args, share.rows, share.columns);
}

void Step::copy() const {
  const Range share = team.share(batch);
  for (int image = share.begin; image < share.end; ++image)
    std::memcpy(to + static_cast<std::size_t>(image) * output.bytes(),
                from + static_cast<std::size_t>(image) * input.bytes(), output.bytes());
}

void Step::mean_rows(const BoundMeanRows &op) const {
  constexpr int grain = 64; // columns: of int8, a line of memory
  const int columns = output.columns;
  const Range share = team.share(batch * columns, grain);
  for (int image = share.begin / columns; image * columns < share.end; ++image) {
    const kernels::MeanRowsArgs args{.input = residual_codes(from + static_cast<std::size_t>(image) * input.bytes() +
                                                                 static_cast<std::size_t>(op.first) * input.row_bytes(),
                                                             input),
                                     .rows = op.rows,
                                     .requantization = op.requantization.view(),
                                     .output = to + static_cast<std::size_t>(image) * output.bytes(),
                                     .output_type = op.output_type};
    kernels.mean_rows(args,
                      {std::max(share.begin - image * columns, 0), std::min(share.end - image * columns, columns)});
  }
}

void Step::merge_patches(const BoundMergePatches &op) const {
  // An output row is one of the four rows' codes after the other; rows of all images together count on, because an
  // image has an even number of rows of patches.
  const int across = op.grid_width / 2;
  const std::size_t row_bytes = input.row_bytes();
  const Range share = team.share(batch * output.rows);
  for (int row = share.begin; row < share.end; ++row) {
    const int top_left = row / across * 2 * op.grid_width + row % across * 2;
    std::byte *place = to + static_cast<std::size_t>(row) * output.row_bytes();
    for (const int neighbour : {0, op.grid_width, 1, op.grid_width + 1}) {
      std::memcpy(place, from + static_cast<std::size_t>(top_left + neighbour) * row_bytes, row_bytes);
      place += row_bytes;
    }
  }
}

} // namespace intvit
