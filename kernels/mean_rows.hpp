// The mean of a value's rows, channel by channel (docs/numerics.md, "Mean of rows").
//
// output[c] = requantize(sum over the rows of weights[row] * input[row][c]). The division by the number of rows is part
// of the multiplier.
#pragma once

#include <cstdint>

#include "kernels/range.hpp"
#include "kernels/requantize.hpp"
#include "kernels/residual.hpp"

namespace intvit::kernels {

// 2^14 rows of codes of at most 2^15: |sum| <= 2^29.
inline constexpr int max_mean_rows = 1 << 14;

struct MeanRowsArgs {
  StreamCodes input; // [rows, channels]; zero points are in the requantization's offset
  int rows = 0;      // 1 to max_mean_rows
  // [rows], 1 and more, at most max_mean_rows together: how often each row counts, as merged tokens do. Null: once.
  const std::int32_t *weights = nullptr;
  Requantization requantization;
  void *output = nullptr; // [channels]
  ElementType output_type = ElementType::int8;
};

} // namespace intvit::kernels
