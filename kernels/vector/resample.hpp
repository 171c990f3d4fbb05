// The two passes of an image resize on vectors (kernels/resample.hpp).
//
// A product of a byte and a weight fits 32 bits, and so does every sum of an output (kernels/resample.hpp), so both
// passes multiply and add lanes of 32 bits. Lanes that belong to no output may wrap around.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/inline.hpp"
#include "kernels/resample.hpp"
#include "kernels/vector/operations.hpp"

namespace intvit::kernels::vector {

template <ImageOperations V> class Resample {
  using Vec = typename V::Vec;
  using Bytes = typename V::Bytes;

  static constexpr int lanes = V::lanes;
  static constexpr std::int32_t half = std::int32_t{1} << (resample_weight_bits - 1);

  static constexpr int pixels = lanes / 4; // that a vector takes, with a lane a channel and one to spare
  static constexpr int rows = 4;           // that the horizontal pass makes at once, so that they share its weights

  static constexpr int block = 4 * lanes; // bytes of a row that the vertical pass makes at once

public:
  // A vector's lanes are the channels of `pixels` neighbouring input pixels of one output. The sums of the lanes of a
  // channel are added at the end.
  static void horizontal(const ResampleArgs &args, Range range) {
    // Pixels are read `lanes` bytes at a time. That may read bytes behind the window, whose weights are 0, but never
    // bytes behind the row: from a byte later than this one on, a copy is read.
    const std::ptrdiff_t last_whole = std::ptrdiff_t{args.input_width} * 3 - lanes;
    for (std::ptrdiff_t y = range.begin; y < range.end; y += rows) {
      // The last rows may be fewer than `rows`: the last one stands for those that lack, and is written once.
      const std::ptrdiff_t count = range.end - y < rows ? range.end - y : rows;
      const std::uint8_t *input[std::size_t{rows}];
      for (std::ptrdiff_t r = 0; r < rows; ++r)
        input[r] = args.input + (y + (r < count ? r : count - 1)) * args.input_stride;
      std::uint8_t *output = args.output + y * args.output_stride;
      for (std::ptrdiff_t x = 0; x < args.output_width; ++x, output += 3) {
        alignas(64) std::uint8_t results[std::size_t{block}]; // a row's pixel at the beginning of every quarter
        V::store_bytes(results,
                       weighted_pixels(input, args.windows[x], args.weights + x * args.weight_stride, last_whole));
        // Four bytes are quicker to copy than three. The fourth belongs to the next pixel, which is written later.
        const std::size_t width = x + 1 < args.output_width ? 4 : 3;
        for (std::ptrdiff_t r = 0; r < count; ++r)
          if (width == 4)
            std::memcpy(output + r * args.output_stride, results + r * lanes, 4);
          else
            std::memcpy(output + r * args.output_stride, results + r * lanes, 3);
      }
    }
  }

  // A vector's lanes are neighbouring bytes of a row.
  static void vertical(const ResampleArgs &args, Range range) {
    const std::ptrdiff_t bytes = std::ptrdiff_t{args.output_width} * 3;
    for (std::ptrdiff_t y = range.begin; y < range.end; ++y) {
      const std::uint8_t *input = args.input + args.windows[y].first * args.input_stride;
      const std::int32_t *weights = args.weights + y * args.weight_stride;
      const std::int32_t taps = args.windows[y].count;
      std::uint8_t *output = args.output + y * args.output_stride;
      std::ptrdiff_t x = 0;
      for (; x + block <= bytes; x += block)
        V::store_bytes(output + x,
                       weighted_rows(input + x, args.input_stride, weights, taps, [](int) { return lanes; }));
      if (x == bytes)
        continue;
      const auto rest = static_cast<int>(bytes - x);
      alignas(64) std::uint8_t results[std::size_t{block}];
      V::store_bytes(results, weighted_rows(input + x, args.input_stride, weights, taps, [rest](int v) {
                       const int left = rest - v * lanes;
                       return left < 0 ? 0 : left < lanes ? left : lanes;
                     }));
      std::memcpy(output + x, results, static_cast<std::size_t>(rest));
    }
  }

private:
  INTVIT_INLINE static Bytes weighted_pixels(const std::uint8_t *const (&input)[std::size_t{rows}],
                                             ResampleWindow window, const std::int32_t *weights,
                                             std::ptrdiff_t last_whole) {
    Vec sums[std::size_t{rows}];
#pragma GCC unroll 4
    for (int r = 0; r < rows; ++r)
      sums[r] = V::set(0);
    for (int i = 0; i < window.count; i += pixels) {
      // Weights behind the window are 0.
      const Vec weight = V::spread_weights(weights + i, window.count - i < pixels ? window.count - i : pixels);
      const std::ptrdiff_t at = (std::ptrdiff_t{window.first} + i) * 3;
      const bool whole = at <= last_whole;
#pragma GCC unroll 4
      for (int r = 0; r < rows; ++r)
        sums[r] = V::add(sums[r], V::multiply(weight, whole ? V::load_pixels(input[r] + at)
                                                            : last_pixels(input[r] + at, last_whole + lanes - at)));
    }
#pragma GCC unroll 4
    for (int r = 0; r < rows; ++r)
      sums[r] = V::add(V::sum_pixels(sums[r]), V::set(half));
    return to_bytes(sums);
  }

  // load_pixels() where fewer than `lanes` bytes are left of a row.
  [[gnu::noinline]] static Vec last_pixels(const std::uint8_t *from, std::ptrdiff_t bytes) {
    std::uint8_t whole[std::size_t{lanes}] = {};
    std::memcpy(whole, from, static_cast<std::size_t>(bytes));
    return V::load_pixels(whole);
  }

  // `width(v)`: how many bytes the v-th of four vectors takes.
  template <typename Width>
  INTVIT_INLINE static Bytes weighted_rows(const std::uint8_t *input, std::ptrdiff_t stride,
                                           const std::int32_t *weights, std::int32_t taps, const Width &width) {
    Vec sums[4];
#pragma GCC unroll 4
    for (Vec &sum : sums)
      sum = V::set(half);
    for (std::ptrdiff_t i = 0; i < taps; ++i) {
      const Vec weight = V::set(weights[i]);
#pragma GCC unroll 4
      for (int v = 0; v < 4; ++v)
        sums[v] =
            V::add(sums[v], V::multiply(weight, V::load(input + i * stride + std::ptrdiff_t{v} * lanes, width(v))));
    }
    return to_bytes(sums);
  }

  INTVIT_INLINE static Bytes to_bytes(Vec (&sums)[4]) {
#pragma GCC unroll 4
    for (Vec &sum : sums)
      sum = V::shift_right_unsigned(V::maximum(sum, V::set(0)), resample_weight_bits);
    return V::narrow_to_bytes(sums[0], sums[1], sums[2], sums[3]);
  }
};

} // namespace intvit::kernels::vector
