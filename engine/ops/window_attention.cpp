#include "engine/ops/window_attention.hpp"

#include <algorithm>
#include <span>

#include "engine/ops/bounds.hpp"

namespace intvit {

namespace {

// The windows' tokens on the grid.
std::vector<std::int32_t> window_rows(const WindowAttention &op) {
  std::vector<std::int32_t> rows;
  for (int top = 0; top < op.grid_height; top += op.window)
    for (int left = 0; left < op.grid_width; left += op.window)
      for (int y = 0; y < op.window; ++y)
        for (int x = 0; x < op.window; ++x)
          rows.push_back((top + y + op.window_shift) % op.grid_height * op.grid_width +
                         (left + x + op.window_shift) % op.grid_width);
  return rows;
}

// Three masks: of windows at the bottom of the grid, at its right, and in the corner. In a shifted window at the bottom
// the last window_shift rows come from the top of the grid and are no neighbours of the others; likewise columns at the
// right.
std::vector<std::int32_t> make_masks(const WindowAttention &op, std::ptrdiff_t stride) {
  const int tokens = op.window * op.window;
  const int border = op.window - op.window_shift;
  std::vector<std::int32_t> masks(3 * static_cast<std::size_t>(tokens) * static_cast<std::size_t>(stride));
  for (int i = 0; i < tokens; ++i)
    for (int j = 0; j < tokens; ++j) {
      const bool apart_below = (i / op.window < border) != (j / op.window < border);
      const bool apart_right = (i % op.window < border) != (j % op.window < border);
      const bool apart[] = {apart_below, apart_right, apart_below || apart_right};
      for (int mask = 0; mask < 3; ++mask)
        masks[static_cast<std::size_t>((mask * tokens + i) * stride + j)] = apart[mask] ? 1 : 0;
    }
  return masks;
}

// Which of make_masks() a window has, or -1.
std::vector<std::int8_t> masks_of_windows(const WindowAttention &op) {
  std::vector<std::int8_t> result;
  for (int top = 0; top < op.grid_height; top += op.window)
    for (int left = 0; left < op.grid_width; left += op.window) {
      const bool bottom = top + op.window == op.grid_height;
      const bool right = left + op.window == op.grid_width;
      result.push_back(static_cast<std::int8_t>(bottom && right ? 2 : bottom ? 0 : right ? 1 : -1));
    }
  return result;
}

// relative_bias for every query and token of a window.
std::vector<std::int32_t> expanded(const std::vector<std::int32_t> &relative_bias, int heads, int window,
                                   std::ptrdiff_t stride) {
  const int tokens = window * window;
  const int side = 2 * window - 1;
  std::vector<std::int32_t> bias(static_cast<std::size_t>(heads) * static_cast<std::size_t>(tokens * stride));
  for (int head = 0; head < heads; ++head)
    for (int i = 0; i < tokens; ++i)
      for (int j = 0; j < tokens; ++j) {
        const int y = i / window - j / window + window - 1;
        const int x = i % window - j % window + window - 1;
        bias[static_cast<std::size_t>((std::ptrdiff_t{head} * tokens + i) * stride + j)] =
            relative_bias[static_cast<std::size_t>((std::ptrdiff_t{head} * side + y) * side + x)];
      }
  return bias;
}

} // namespace

std::vector<std::string_view> WindowAttention::features() const {
  std::vector<std::string_view> needed = attention.features();
  needed.emplace_back(name);
  return needed;
}

void WindowAttention::describe(Fields &fields) {
  attention.describe_heads(fields);
  fields.integer("grid_height", grid_height, 1, max_graph_side);
  fields.integer("grid_width", grid_width, 1, max_graph_side);
  fields.integer("window", window, 1, max_window);
  fields.integer("window_shift", window_shift, 0, max_window - 1);
}

Binding WindowAttention::bind(NodeBinder &binder, std::span<const ValueInfo> inputs) const {
  const ValueInfo &qkv = inputs[0];
  if (std::int64_t{grid_height} * grid_width != qkv.rows)
    binder.fail("a grid of " + std::to_string(grid_height) + " rows and " + std::to_string(grid_width) +
                " columns is not " + std::to_string(qkv.rows) + " patches");
  if (grid_height % window != 0 || grid_width % window != 0)
    binder.fail("a grid of " + std::to_string(grid_height) + " rows and " + std::to_string(grid_width) +
                " columns is not a whole number of windows of " + std::to_string(window));
  if (window_shift >= window)
    binder.fail("window_shift must be below window");
  if (qkv.rows > max_window_patches)
    binder.fail("a grid of more than " + std::to_string(max_window_patches) + " patches");
  const int tokens = window * window;
  std::unique_ptr<BoundAttention> bound = bind_heads(binder, attention, tokens, qkv);
  const int heads = attention.heads;
  const int side = 2 * window - 1;
  const std::ptrdiff_t stride = bound->bias_stride();
  if (std::ptrdiff_t{heads} * tokens * stride > max_bias_elements)
    binder.fail("its biases would take more than " + std::to_string(max_bias_elements) + " elements");
  const auto relative_bias = binder.read<std::int32_t>("relative_bias", DType::i32, {heads, std::int64_t{side} * side});
  if (!binder.ok())
    return {};

  const std::span<const std::int32_t> biases(relative_bias);
  const std::size_t per_head = biases.size() / static_cast<std::size_t>(heads);
  const bool shifted = window_shift > 0;
  BoundWindows &windows = bound->windows;
  for (std::size_t head = 0; head < static_cast<std::size_t>(heads); ++head) {
    const std::int32_t multiplier = bound->score_multiplier[head];
    std::uint64_t range = bias_range(binder, biases.subspan(head * per_head, per_head));
    if (shifted && multiplier >= 1) {
      const std::uint64_t mask = masking(bound->head_dim, multiplier, attention.score_shift, range);
      if (mask > kernels::max_masking)
        binder.fail("a score_multiplier is too small to mask scores");
      windows.masking.push_back(static_cast<std::int32_t>(std::min<std::uint64_t>(mask, kernels::max_masking)));
      range += mask;
    }
    if (!score_fits(bound->head_dim, multiplier, attention.score_shift, range))
      binder.fail("a score_multiplier could overflow 32 bits");
  }
  if (shifted && attention.softmax == kernels::Softmax::lis4 && !last_distance_weighs_nothing(bound->exp))
    binder.fail("the exp polynomial gives masked tokens a weight");
  if (!binder.ok())
    return {};

  windows.count = qkv.rows / tokens;
  windows.rows = window_rows(*this);
  windows.stride = stride;
  windows.bias = expanded(relative_bias, heads, window, stride);
  if (shifted) {
    windows.masks = make_masks(*this, stride);
    windows.window_masks = masks_of_windows(*this);
  }
  const ValueInfo output{ElementType::int8, qkv.rows, heads * bound->head_dim};
  return {std::move(bound), output};
}

} // namespace intvit
