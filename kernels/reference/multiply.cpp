// kernels/multiply.hpp, element by element.
#include <cstddef>

#include "kernels/reference/reference.hpp"

namespace intvit::kernels::reference {

void multiply(const MultiplyArgs &args, Range rows) {
  const Requantization &r = args.requantization;
  for (int row = rows.begin; row < rows.end; ++row) {
    const std::ptrdiff_t first = std::ptrdiff_t{row} * args.channels;
    for (int c = 0; c < args.channels; ++c) {
      const std::int32_t a = args.a.codes[first + c] - args.a.zero_point[c];
      const std::int32_t b = args.b.codes[first + c] - args.b.zero_point[c];
      store_output(args.output, args.output_type, first + c, requantize(a * b, r.multiplier[c], r.offset[c], r.shift));
    }
  }
}

} // namespace intvit::kernels::reference
