// Rotary positions: queries and keys are turned by angles that depend on where on the grid their patch lies
// (docs/numerics.md, "Rotation").
//
// A row holds q, k and v of all heads: [3, heads, head_dim]. Channels p and p + head_dim / 2 of a head of q or k are a
// pair (a, b), the coordinates of a point, which is turned:
//   a' = clamp((a cos - b sin + 2^13) >> 14),   b' = (b cos + a sin + 2^13) >> 14, clamped to int8.
// v passes as it is, and so do the first rows, whose tokens are no patches.
//
// |a cos - b sin| <= 2 * 2^7 * 2^14 = 2^22: nothing overflows.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/range.hpp"

namespace intvit::kernels {

inline constexpr int rotation_bits = 14; // fraction bits of cosines and sines, which are from -2^14 to 2^14

struct RotateArgs {
  const std::int8_t *input = nullptr; // [rows, 3, heads, head_dim]
  int heads = 0;
  int head_dim = 0; // even
  int first = 0;    // rows that are not turned
  // [rows - first, pairs]: of each of head_dim / 2 pairs, the same in all heads; or of each pair of each head, where
  // a head's begin `head_stride` = head_dim / 2 behind those of the head before. 0: the same.
  const std::int16_t *cosine = nullptr;
  const std::int16_t *sine = nullptr;
  int row_stride = 0; // elements of a row of the tables
  int head_stride = 0;
  std::int8_t *output = nullptr; // as the input, which it does not overlap
};

} // namespace intvit::kernels
