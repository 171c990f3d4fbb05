#include "tests/kernels/stlq_case.hpp"

#include <algorithm>
#include <cmath>

namespace intvit::test {

namespace {

int value_of(int code) {
  return code == 0 ? 0 : static_cast<int>(std::copysign(std::ldexp(1.0, 7 - std::abs(code)), code));
}

} // namespace

StlqCase make_stlq(Random &random, int out_features, int in_features) {
  const auto out = static_cast<std::size_t>(out_features);
  const auto in = static_cast<std::size_t>(in_features);
  const std::size_t tile_columns = (in + 3) / 4;
  const std::size_t tile_rows = (out + 63) / 64;
  const std::size_t row_bytes = (in + 1) / 2;
  StlqCase result;
  result.out_features = out_features;
  result.in_features = in_features;
  result.first.resize(out * row_bytes);
  result.tiles.resize(tile_rows * ((tile_columns + 7) / 8));
  result.values.resize(out * in);
  const int share = random.between(0, 2); // of tiles with second words: none, half, all
  const bool extreme = random.between(0, 7) == 0;
  const auto code = [&] { return extreme ? (random.bits() % 2 != 0 ? 1 : -1) : random.between(-7, 7); };
  for (std::size_t r = 0; r < tile_rows; ++r)
    for (std::size_t c = 0; c < tile_columns; ++c) {
      const bool two = share == 2 || (share == 1 && random.bits() % 2 != 0);
      const std::size_t words = result.second.size();
      if (two) {
        result.tiles[r * ((tile_columns + 7) / 8) + c / 8] |= static_cast<std::uint8_t>(1U << (c % 8));
        result.second.resize(words + 128);
      }
      for (std::size_t n = 64 * r; n < std::min(out, 64 * r + 64); ++n)
        for (std::size_t k = 4 * c; k < std::min(in, 4 * c + 4); ++k) {
          const int first = code();
          const int second = two ? code() : 0;
          const auto shifted = [&](int q) { return static_cast<std::uint8_t>((q & 15) << (k % 2 * 4)); };
          result.first[n * row_bytes + k / 2] |= shifted(first);
          if (two)
            result.second[words + (n % 64) * 2 + k % 4 / 2] |= shifted(second);
          result.values[n * in + k] =
              static_cast<std::int8_t>(std::clamp(value_of(first) + value_of(second), -127, 127));
        }
    }
  return result;
}

} // namespace intvit::test
