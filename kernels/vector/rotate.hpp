// Rotation on vectors (docs/numerics.md, "Rotation"): a vector of pairs at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/rotate.hpp"
#include "kernels/vector/operations.hpp"

namespace intvit::kernels::vector {

template <RowOperations V> class RotateRows {
  using Vec = typename V::Vec;

  static constexpr int lanes = V::lanes;

public:
  static void run(const RotateArgs &args, Range rows) {
    const std::ptrdiff_t channels = std::ptrdiff_t{args.heads} * args.head_dim;
    for (int row = rows.begin; row < rows.end; ++row) {
      const std::int8_t *from = args.input + 3 * channels * row;
      std::int8_t *to = args.output + 3 * channels * row;
      if (row < args.first) {
        std::memcpy(to, from, static_cast<std::size_t>(3 * channels));
        continue;
      }
      const std::ptrdiff_t table = std::ptrdiff_t{row - args.first} * args.row_stride;
      for (int part = 0; part < 2; ++part)
        for (int head = 0; head < args.heads; ++head, from += args.head_dim, to += args.head_dim) {
          const std::ptrdiff_t at = table + std::ptrdiff_t{head} * args.head_stride;
          turn(from, to, args.head_dim / 2, args.cosine + at, args.sine + at);
        }
      std::memcpy(to, from, static_cast<std::size_t>(channels));
    }
  }

private:
  static void turn(const std::int8_t *from, std::int8_t *to, int pairs, const std::int16_t *cosines,
                   const std::int16_t *sines) {
    for (int pair = 0; pair < pairs; pair += lanes) {
      const int width = pairs - pair < lanes ? pairs - pair : lanes;
      const Vec cosine = V::load(cosines + pair, width);
      const Vec sine = V::load(sines + pair, width);
      const Vec a = V::load(from + pair, width);
      const Vec b = V::load(from + pair + pairs, width);
      V::store_output(to + pair, rounded(V::subtract(V::multiply(a, cosine), V::multiply(b, sine))), width);
      V::store_output(to + pair + pairs, rounded(V::add(V::multiply(b, cosine), V::multiply(a, sine))), width);
    }
  }

  // (sum + 2^13) >> 14. Lanes shift to the right with zeros from the left, so 2^24, which is above every |sum|, is
  // added before and taken off after.
  static Vec rounded(Vec sum) {
    constexpr std::int32_t lift = 1 << 24;
    const Vec lifted = V::add(sum, V::set(lift + (1 << (rotation_bits - 1))));
    return V::subtract(V::shift_right_unsigned(lifted, rotation_bits), V::set(lift >> rotation_bits));
  }
};

} // namespace intvit::kernels::vector
