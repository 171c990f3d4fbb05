// kernels/rotate.hpp, pair by pair.
#include <algorithm>

#include "kernels/reference/reference.hpp"
#include "kernels/requantize.hpp"

namespace intvit::kernels::reference {

namespace {

std::int8_t rounded(std::int32_t sum) {
  return clamp_to_int8((sum + (1 << (rotation_bits - 1))) >> rotation_bits);
}

} // namespace

void rotate(const RotateArgs &args, Range rows) {
  const int pairs = args.head_dim / 2;
  const std::ptrdiff_t channels = std::ptrdiff_t{args.heads} * args.head_dim;
  for (int row = rows.begin; row < rows.end; ++row) {
    const std::int8_t *from = args.input + 3 * channels * row;
    std::int8_t *to = args.output + 3 * channels * row;
    if (row < args.first) {
      std::copy_n(from, 3 * channels, to);
      continue;
    }
    const std::ptrdiff_t table = std::ptrdiff_t{row - args.first} * args.row_stride;
    for (int part = 0; part < 2; ++part)
      for (int head = 0; head < args.heads; ++head, from += args.head_dim, to += args.head_dim)
        for (int pair = 0; pair < pairs; ++pair) {
          const std::ptrdiff_t at = table + std::ptrdiff_t{head} * args.head_stride + pair;
          const std::int32_t cosine = args.cosine[at];
          const std::int32_t sine = args.sine[at];
          const std::int32_t a = from[pair];
          const std::int32_t b = from[pair + pairs];
          to[pair] = rounded(a * cosine - b * sine);
          to[pair + pairs] = rounded(b * cosine + a * sine);
        }
    std::copy_n(from, channels, to);
  }
}

} // namespace intvit::kernels::reference
