// The mean of rows on vectors (docs/numerics.md, "Mean of rows"): a vector of channels at a time, down all rows.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/mean_rows.hpp"
#include "kernels/vector/operations.hpp"

namespace intvit::kernels::vector {

template <RowOperations V> class MeanRows {
  using Vec = typename V::Vec;

  static constexpr int lanes = V::lanes;

public:
  static void run(const MeanRowsArgs &args, Range columns) {
    if (args.output_type == ElementType::int8)
      run_to<std::int8_t>(args, columns);
    else if (args.output_type == ElementType::int16)
      run_to<std::int16_t>(args, columns);
    else
      run_to<std::int32_t>(args, columns);
  }

private:
  template <typename Output> static void run_to(const MeanRowsArgs &args, Range columns) {
    const Requantization &q = args.requantization;
    for (int c = columns.begin; c < columns.end; c += lanes) {
      const int width = columns.end - c < lanes ? columns.end - c : lanes;
      const Vec sums = args.input.type == ElementType::int8 ? add_rows<std::int8_t>(args, c, width)
                                                            : add_rows<std::int16_t>(args, c, width);
      const Vec multiplier = V::load(q.multiplier + c, width);
      Vec even;
      Vec odd;
      V::load_offsets(q.offset + c, width, even, odd);
      const Vec mean = V::requantize(sums, multiplier, V::odd_lanes(multiplier), even, odd, q.shift);
      V::store_output(static_cast<Output *>(args.output) + c, mean, width);
    }
  }

  // Sums of `width` columns from `first` on.
  template <typename T> static Vec add_rows(const MeanRowsArgs &args, int first, int width) {
    const T *from = static_cast<const T *>(args.input.data) + first;
    Vec sums = V::set(0);
    if (args.weights != nullptr) {
      for (int row = 0; row < args.rows; ++row, from += args.input.stride)
        sums = V::add(sums, V::multiply(V::load(from, width), V::set(args.weights[row])));
      return sums;
    }
    for (int row = 0; row < args.rows; ++row, from += args.input.stride)
      sums = V::add(sums, V::load(from, width));
    return sums;
  }
};

} // namespace intvit::kernels::vector
