// Attention of every window of a grid of patches to itself, [grid_height * grid_width, 3 C] to [grid_height *
// grid_width, C]: Swin's (docs/numerics.md, "Window attention"). With a window_shift, windows begin that many patches
// further down and to the right, and what leaves the grid comes back on the other side; there, tokens that are no
// neighbours do not see one another.
//
// Constants: those of Attention, and relative_bias i32 [heads, (2 window - 1)^2] in units of the head's scores: for a
// query and a token that is y rows above and x columns to the left of it, element (y + window - 1) * (2 window - 1) +
// x + window - 1.
#pragma once

#include "engine/ops/attention.hpp"

namespace intvit {

// The largest side of a window.
inline constexpr int max_window = 32;

// The most biases of one node: 64 MB. They are many times as large as the constant that they are made of.
inline constexpr std::int64_t max_bias_elements = std::int64_t{1} << 24;

// The most patches that a node cuts into windows: 8 MB of their rows, of which the file holds nothing. No session takes
// values of more rows.
inline constexpr int max_window_patches = 1 << 21;

struct WindowAttention {
  static constexpr std::string_view name = "window_attention";
  static constexpr std::array<std::string_view, 1> all_features{"window_attention"}; // and those of Attention

  Attention attention; // of a window; queries is 0
  int grid_height = 0; // a multiple of window, as is grid_width
  int grid_width = 0;
  int window = 0;       // side
  int window_shift = 0; // below window

  std::vector<std::string_view> features() const;
  std::vector<const char *> inputs() const { return {"input"}; }
  void describe(Fields &fields);
  Binding bind(NodeBinder &binder, std::span<const ValueInfo> inputs) const; // to a BoundAttention with windows
};

} // namespace intvit
