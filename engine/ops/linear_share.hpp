// What the operations with a matrix product have in common when they run.
#pragma once

#include "engine/ops/operation.hpp"

namespace intvit {

// A residual stream as kernels see it.
inline kernels::StreamCodes stream_codes(const void *data, const ValueInfo &info) {
  return {data, info.type, info.columns};
}

// Runs the matrix product for this thread's share of `rows` rows: a rectangle of the output, of whole tiles.
inline void run_linear(const Step &step, const kernels::LinearArgs &args, int rows) {
  const kernels::LinearKernel &kernel = step.kernels.linear;
  const Rectangle share = step.team.share({rows, kernel.tile_rows}, {args.out_features, kernel.tile_columns});
  kernel.run(args, share.rows, share.columns);
}

} // namespace intvit
