// Codes to another scale on vectors (docs/numerics.md, "Rescaling"): a vector of channels at a time, down some rows, so
// that constants are read and arranged once for all of them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/rescale.hpp"
#include "kernels/vector/operations.hpp"

namespace intvit::kernels::vector {

template <EpilogueOperations V> class RescaleRows {
  using Vec = typename V::Vec;

  static constexpr int lanes = V::lanes;
  static constexpr int rows = 8;

public:
  static void run(const RescaleArgs &args, Range range) {
    for (int row = range.begin; row < range.end; row += rows) {
      const Range some{row, range.end - row < rows ? range.end : row + rows};
      if (args.output_type == ElementType::int8)
        run_to<std::int8_t>(args, some);
      else
        run_to<std::int16_t>(args, some);
    }
  }

private:
  template <typename Output> static void run_to(const RescaleArgs &args, Range range) {
    const Requantization &q = args.requantization;
    const ResidualParameters &residual = args.residual;
    const bool adds = residual.stream.data != nullptr;
    for (int c = 0; c < args.channels; c += lanes) {
      const int width = args.channels - c < lanes ? args.channels - c : lanes;
      const Vec multiplier = V::load(q.multiplier + c, width);
      const Vec odd_multiplier = V::odd_lanes(multiplier);
      Vec even;
      Vec odd;
      V::load_offsets(q.offset + c, width, even, odd);
      Vec stream_multiplier = V::set(0);
      if (adds)
        stream_multiplier = V::load(residual.multiplier + c, width);
      const Vec odd_stream_multiplier = V::odd_lanes(stream_multiplier);
      for (int row = range.begin; row < range.end; ++row) {
        Vec value = codes(args.input, row, c, width);
        if (adds)
          value = V::add_requantize(value, multiplier, odd_multiplier,
                                    V::shift_left(codes(residual.stream, row, c, width), residual.shift),
                                    stream_multiplier, odd_stream_multiplier, even, odd, q.shift);
        else
          value = V::requantize(value, multiplier, odd_multiplier, even, odd, q.shift);
        V::store_output(static_cast<Output *>(args.output) + row * args.output_stride + c, value, width);
      }
    }
  }

  static Vec codes(const StreamCodes &from, int row, int c, int width) {
    const std::ptrdiff_t at = row * from.stride + c;
    return from.type == ElementType::int8 ? V::load(static_cast<const std::int8_t *>(from.data) + at, width)
                                          : V::load(static_cast<const std::int16_t *>(from.data) + at, width);
  }
};

} // namespace intvit::kernels::vector
