// LayerNorm on vectors (docs/numerics.md, "PTF LayerNorm"); V as for linear_tile.hpp.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/layer_norm.hpp"
#include "kernels/reciprocal.hpp"

namespace intvit::kernels::vector {

template <class V> class LayerNormRows {
  using Vec = typename V::Vec;

public:
  static void run(const LayerNormArgs &args, Range rows) {
    for (int row = rows.begin; row < rows.end; ++row)
      normalize(args, row);
  }

private:
  static Vec load(const LayerNormArgs &args, std::ptrdiff_t start, int c, int count) {
    if (args.input.type == CodeType::int16)
      return V::load(static_cast<const std::int16_t *>(args.input.data) + start + c, count);
    const Vec code = V::load(static_cast<const std::int8_t *>(args.input.data) + start + c, count);
    return V::shift_left_lanes(V::subtract(code, V::load(args.zero_point + c, count)), V::load(args.alpha + c, count));
  }

  // Lanes behind the last channel are 0 and add nothing to the sums.
  static void normalize(const LayerNormArgs &args, int row) {
    const std::ptrdiff_t start = row * args.input.stride;
    Vec sums = V::set(0);
    Vec squares = V::set(0);
    for (int c = 0; c < args.channels; c += V::lanes) {
      const Vec x = load(args, start, c, count_at(args, c));
      sums = V::add(sums, x);
      squares = V::add64(squares, V::squares(x));
    }
    const std::int32_t sum = V::sum(sums);
    const std::int64_t square = args.channels * V::sum64(squares) - std::int64_t{sum} * sum + args.epsilon;
    const Reciprocal by = reciprocal_sqrt(square > 0 ? static_cast<std::uint64_t>(square) : 1);

    const Requantization &r = args.requantization;
    for (int c = 0; c < args.channels; c += V::lanes) {
      const int count = count_at(args, c);
      const Vec n = V::subtract(V::multiply(load(args, start, c, count), V::set(args.channels)), V::set(sum));
      Vec even;
      Vec odd;
      V::load_offsets(r.offset + c, count, even, odd);
      const Vec code =
          V::requantize(V::quotient(n, by.factor, by.shift), V::load(r.multiplier + c, count), even, odd, r.shift);
      V::store_clamped(args.output + std::ptrdiff_t{row} * args.channels + c, code, count);
    }
  }

  static int count_at(const LayerNormArgs &args, int c) {
    return args.channels - c < V::lanes ? args.channels - c : V::lanes;
  }
};

} // namespace intvit::kernels::vector
