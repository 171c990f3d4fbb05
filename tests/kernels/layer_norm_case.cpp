#include "tests/kernels/layer_norm_case.hpp"

#include <algorithm>

#include "tests/kernels/exact.hpp"

namespace intvit::test {

using kernels::ElementType;
using kernels::LayerNormArgs;

const void *Stream::data() const {
  return type == ElementType::int8 ? static_cast<const void *>(codes8.data()) : codes16.data();
}

// (code - zero_point) * 2^alpha, or the 16-bit code.
std::int64_t Stream::value(std::size_t row, std::size_t c) const {
  if (type == ElementType::int16)
    return codes16[row * stride + c];
  return (codes8[row * stride + c] - zero_point[c]) * static_cast<std::int64_t>(power_of_two(alpha[c]));
}

LayerNormArgs Stream::args(std::int64_t epsilon, const Constants &constants, void *output,
                           kernels::ElementType output_type) const {
  return {.input = {data(), type, static_cast<std::ptrdiff_t>(stride)},
          .channels = static_cast<int>(channels),
          .alpha = alpha.data(),
          .zero_point = zero_point.data(),
          .centred = centred,
          .epsilon = epsilon,
          .requantization = constants.view(),
          .output = output,
          .output_type = output_type,
          .output_stride = static_cast<std::ptrdiff_t>(output_stride == 0 ? channels : output_stride)};
}

Stream make_stream(Random &random, ElementType type, std::size_t channels, Pattern pattern) {
  Stream stream{type, channels, 4, channels + random.between<std::size_t>(0, 9), {}, {}, {}, {}};
  const bool wide = type == ElementType::int16;
  const int low = wide ? -32768 : -128;
  const int high = wide ? 32767 : 127;
  const int spread = wide ? 300 : 9;
  std::vector<int> codes(stream.rows * stream.stride);
  for (std::size_t row = 0; row < stream.rows; ++row) {
    const int base = random.between(low, high);
    const std::size_t outlier = random.between<std::size_t>(0, channels - 1);
    for (std::size_t c = 0; c < channels; ++c) {
      int &code = codes[row * stream.stride + c];
      switch (pattern) {
      case Pattern::random:
        code = random.between(low, high);
        break;
      case Pattern::narrow:
        code = std::clamp(base + random.between(-spread, spread), low, high);
        break;
      case Pattern::equal:
        code = base;
        break;
      case Pattern::outlier:
        code = c == outlier ? (row % 2 == 0 ? high : low) : base;
        break;
      case Pattern::halves:
        code = 2 * c < channels ? low : high;
        break;
      }
    }
  }
  stream.codes8.assign(codes.begin(), codes.end());
  stream.codes16.assign(codes.begin(), codes.end());
  stream.alpha = random.values<std::uint8_t>(channels, 0, kernels::max_ptf_alpha);
  stream.zero_point = random.values<std::int8_t>(channels, -128, 127);
  if (pattern == Pattern::equal || pattern == Pattern::outlier) {
    // Equal codes must stand for equal values.
    std::fill(stream.alpha.begin(), stream.alpha.end(), stream.alpha[0]);
    std::fill(stream.zero_point.begin(), stream.zero_point.end(), stream.zero_point[0]);
  }
  return stream;
}

} // namespace intvit::test
