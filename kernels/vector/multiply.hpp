// Products of two values on vectors (docs/numerics.md, "Product"): a vector of channels at a time, down some rows, so
// that constants are read and arranged once for all of them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/multiply.hpp"
#include "kernels/vector/operations.hpp"

namespace intvit::kernels::vector {

template <RowOperations V> class MultiplyRows {
  using Vec = typename V::Vec;

  static constexpr int lanes = V::lanes;
  static constexpr int rows = 8;

public:
  static void run(const MultiplyArgs &args, Range range) {
    for (int row = range.begin; row < range.end; row += rows) {
      const Range some{row, range.end - row < rows ? range.end : row + rows};
      if (args.output_type == ElementType::int8)
        run_to<std::int8_t>(args, some);
      else
        run_to<std::int16_t>(args, some);
    }
  }

private:
  template <typename Output> static void run_to(const MultiplyArgs &args, Range range) {
    const Requantization &q = args.requantization;
    for (int c = 0; c < args.channels; c += lanes) {
      const int width = args.channels - c < lanes ? args.channels - c : lanes;
      const Vec zero_a = V::load(args.a.zero_point + c, width);
      const Vec zero_b = V::load(args.b.zero_point + c, width);
      const Vec multiplier = V::load(q.multiplier + c, width);
      const Vec odd_multiplier = V::odd_lanes(multiplier);
      Vec even;
      Vec odd;
      V::load_offsets(q.offset + c, width, even, odd);
      for (int row = range.begin; row < range.end; ++row) {
        const std::ptrdiff_t at = std::ptrdiff_t{row} * args.channels + c;
        const Vec a = V::subtract(V::load(args.a.codes + at, width), zero_a);
        const Vec b = V::subtract(V::load(args.b.codes + at, width), zero_b);
        V::store_output(static_cast<Output *>(args.output) + at,
                        V::requantize(V::multiply(a, b), multiplier, odd_multiplier, even, odd, q.shift), width);
      }
    }
  }
};

} // namespace intvit::kernels::vector
