// What a node reads and writes.
#pragma once

#include <cstddef>

#include "kernels/element_type.hpp"

namespace intvit {

using kernels::ElementType;

// The name by which nodes refer to the graph's input, uint8 [height, width, 3].
inline constexpr const char *image_value = "image";

// The most columns that a value may have.
inline constexpr int max_columns = 1 << 24;

// The largest side of the image that a graph takes, in pixels, and so of a grid of patches.
inline constexpr int max_graph_side = 1 << 14;

// A value of one image: a row-major matrix. A batch has as many of them, one after the other.
struct ValueInfo {
  ElementType type = ElementType::int8;
  int rows = 0;
  int columns = 0;
  // Of what match_tokens writes, and only of that: how many tokens remain, and of how many they were made in the first
  // place, which is what their sizes add up to.
  int groups = 0;
  int first_tokens = 0;

  std::size_t row_bytes() const { return static_cast<std::size_t>(columns) * kernels::element_size(type); }
  std::size_t bytes() const { return static_cast<std::size_t>(rows) * row_bytes(); }
};

} // namespace intvit
