// kernels/l2_normalize.hpp, channel by channel. Every set of kernels uses these loops: a model has one such row.
#include <bit>
#include <cstddef>
#include <cstdint>

#include "kernels/reciprocal.hpp"
#include "kernels/reference/reference.hpp"

namespace intvit::kernels::reference {

namespace {

std::uint32_t magnitude(std::int32_t x) {
  return x < 0 ? 0 - static_cast<std::uint32_t>(x) : static_cast<std::uint32_t>(x);
}

// How many low bits are left out, so that every |x| >> bits is at most 2^l2_bits.
int spare_bits(const std::int32_t *row, int channels) {
  std::uint32_t all = 0; // as many bits as the largest magnitude has
  for (int c = 0; c < channels; ++c)
    all |= magnitude(row[c]);
  const int bits = static_cast<int>(std::bit_width(all));
  return bits > l2_bits ? bits - l2_bits : 0;
}

} // namespace

void l2_normalize(const L2NormalizeArgs &args, Range rows) {
  const Requantization &r = args.requantization;
  for (int row = rows.begin; row < rows.end; ++row) {
    const std::ptrdiff_t first = std::ptrdiff_t{row} * args.channels;
    const std::int32_t *input = args.input + first;
    const int spare = spare_bits(input, args.channels);
    std::uint64_t squares = 0;
    for (int c = 0; c < args.channels; ++c) {
      const std::int64_t x = input[c] >> spare;
      squares += static_cast<std::uint64_t>(x * x);
    }
    // A row of zeros: every numerator is 0, so any divisor will do.
    const Reciprocal by = reciprocal_sqrt(squares > 0 ? squares : 1);
    for (int c = 0; c < args.channels; ++c)
      store_output(args.output, args.output_type, first + c,
                   requantize(quotient(input[c] >> spare, by), r.multiplier[c], r.offset[c], r.shift));
  }
}

} // namespace intvit::kernels::reference
