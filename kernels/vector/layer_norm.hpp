// LayerNorm on vectors (docs/numerics.md, "PTF LayerNorm").
//
// A row is read twice: first for its sum and its sum of squares, in lanes of 16 bits, which hold every stream value;
// then to normalize it, in lanes of 32 bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/layer_norm.hpp"
#include "kernels/reciprocal.hpp"
#include "kernels/vector/operations.hpp"

namespace intvit::kernels::vector {

template <LayerNormOperations V> class LayerNormRows {
  using Vec = typename V::Vec;
  using Vec16 = typename V::Vec16; // 2 * lanes integers of 16 bits

  static constexpr int lanes = V::lanes;
  static constexpr int rows = 4; // normalized together, so that constants are read and arranged once for all

public:
  static void run(const LayerNormArgs &args, Range range) {
    if (args.output_type == ElementType::int8)
      run_to<std::int8_t>(args, range);
    else if (args.output_type == ElementType::int16)
      run_to<std::int16_t>(args, range);
    else
      run_to<std::int32_t>(args, range);
  }

private:
  // Never inlined: with all three in one function GCC 12 makes the loops 1 to 4 % slower.
  template <typename Output> [[gnu::noinline]] static void run_to(const LayerNormArgs &args, Range range) {
    for (int row = range.begin; row < range.end; row += rows)
      if (args.input.type == ElementType::int8)
        normalize<std::int8_t, Output>(args, row, range.end - row < rows ? range.end - row : rows);
      else
        normalize<std::int16_t, Output>(args, row, range.end - row < rows ? range.end - row : rows);
  }

  struct Statistics {
    std::int32_t sum;
    Reciprocal deviation; // 2^16 / sqrt(C Q - S^2 + E)
  };

  template <typename T> static const T *row_of(const LayerNormArgs &args, int row) {
    return static_cast<const T *>(args.input.data) + row * args.input.stride;
  }

  template <typename T> static Statistics statistics(const LayerNormArgs &args, int row) {
    const T *from = row_of<T>(args, row);
    Vec sums = V::set(0);
    Vec squares = V::set(0);
    const auto add = [&](Vec16 x) {
      sums = V::add(sums, V::pair_sums(x));
      squares = V::add64(squares, V::square_sums64(x));
    };
    int c = 0;
    for (; c + 2 * lanes <= args.channels; c += 2 * lanes)
      if constexpr (sizeof(T) == 1)
        add(stream16(from + c, args.zero_point + c, args.alpha + c));
      else // an int16 stream has neither zero points nor factors
        add(stream16(from + c, nullptr, nullptr));
    if (c < args.channels) { // filled up with codes that stand for 0 and add nothing to either sum
      const auto rest = static_cast<std::size_t>(args.channels - c);
      T codes[std::size_t{lanes} * 2] = {};
      std::int8_t zero_points[std::size_t{lanes} * 2] = {};
      std::uint8_t alphas[std::size_t{lanes} * 2] = {};
      std::memcpy(codes, from + c, rest * sizeof(T));
      if constexpr (sizeof(T) == 1) {
        std::memcpy(zero_points, args.zero_point + c, rest);
        std::memcpy(alphas, args.alpha + c, rest);
      }
      add(stream16(codes, zero_points, alphas));
    }
    const std::int32_t sum = args.centred ? V::sum(sums) : 0;
    const std::int64_t square = args.channels * V::sum64(squares) - std::int64_t{sum} * sum + args.epsilon;
    return {sum, reciprocal_sqrt(square > 0 ? static_cast<std::uint64_t>(square) : 1)};
  }

  // The integers that codes of the stream stand for.
  static Vec16 stream16(const std::int16_t *codes, const std::int8_t *, const std::uint8_t *) {
    return V::load16(codes);
  }
  static Vec16 stream16(const std::int8_t *codes, const std::int8_t *zero_point, const std::uint8_t *alpha) {
    return V::shift_left16(V::subtract16(V::load16(codes), V::load16(zero_point)), alpha);
  }

  // `count` rows from `first` on, at most `rows`.
  template <typename T, typename Output> static void normalize(const LayerNormArgs &args, int first, int count) {
    Statistics statistic[std::size_t{rows}];
    const T *from[std::size_t{rows}];
    for (int r = 0; r < count; ++r)
      statistic[r] = statistics<T>(args, first + r);
    for (int r = 0; r < rows; ++r) {
      statistic[r] = statistic[r < count ? r : count - 1];
      from[r] = row_of<T>(args, first + (r < count ? r : count - 1));
    }
    const Requantization &q = args.requantization;
    const Vec channels = V::set(args.channels);
    for (int c = 0; c < args.channels; c += lanes) {
      const int width = args.channels - c < lanes ? args.channels - c : lanes;
      const Vec multiplier = V::load(q.multiplier + c, width);
      const Vec odd_multiplier = V::odd_lanes(multiplier);
      Vec even;
      Vec odd;
      V::load_offsets(q.offset + c, width, even, odd);
      Vec zero_point;
      Vec alpha;
      if constexpr (sizeof(T) == 1) {
        zero_point = V::load(args.zero_point + c, width);
        alpha = V::load(args.alpha + c, width);
      }
#pragma GCC unroll 4
      for (int r = 0; r < rows; ++r) {
        if (r >= count)
          break;
        Vec x = V::load(from[r] + c, width);
        if constexpr (sizeof(T) == 1)
          x = V::shift_left_lanes(V::subtract(x, zero_point), alpha);
        const Vec n = V::subtract(V::multiply(x, channels), V::set(statistic[r].sum));
        const Vec normalized = V::quotient(n, statistic[r].deviation.factor, statistic[r].deviation.shift);
        V::store_output(static_cast<Output *>(args.output) + (first + r) * args.output_stride + c,
                        V::requantize(normalized, multiplier, odd_multiplier, even, odd, q.shift), width);
      }
    }
  }
};

} // namespace intvit::kernels::vector
