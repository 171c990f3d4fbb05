// A half-open range, begin to end - 1, of rows, columns or tasks: what one thread is asked to compute.
#pragma once

namespace intvit::kernels {

struct Range {
  int begin = 0;
  int end = 0;
};

} // namespace intvit::kernels
