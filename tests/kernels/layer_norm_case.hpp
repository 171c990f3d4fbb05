// A residual stream with random codes, as LayerNorm's input.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/layer_norm.hpp"
#include "tests/kernels/constants.hpp"
#include "tests/kernels/random.hpp"

namespace intvit::test {

// How a row's codes lie: anywhere; close together; all alike; one at an end of the range, the others alike; half of
// them at each end.
enum class Pattern { random, narrow, equal, outlier, halves };

inline constexpr Pattern patterns[] = {Pattern::random, Pattern::narrow, Pattern::equal, Pattern::outlier,
                                       Pattern::halves};

struct Stream {
  kernels::ElementType type = kernels::ElementType::int8;
  std::size_t channels = 0;
  std::size_t rows = 0;
  std::size_t stride = 0;
  std::vector<std::int8_t> codes8;
  std::vector<std::int16_t> codes16;
  std::vector<std::uint8_t> alpha;
  std::vector<std::int8_t> zero_point;
  bool centred = true;
  std::size_t output_stride = 0; // 0: channels

  const void *data() const;
  // (code - zero_point) * 2^alpha, or the 16-bit code.
  std::int64_t value(std::size_t row, std::size_t c) const;
  kernels::LayerNormArgs args(std::int64_t epsilon, const Constants &constants, void *output,
                              kernels::ElementType output_type = kernels::ElementType::int8) const;
};

// Four rows.
Stream make_stream(Random &random, kernels::ElementType type, std::size_t channels, Pattern pattern);

} // namespace intvit::test
