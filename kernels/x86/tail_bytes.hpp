// The tail of a GELU (kernels/gelu.hpp) as 256-bit vectors look it up.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/gelu.hpp"

namespace intvit::kernels::avx256 {

// The chords of a GELU's tail as bytes: where each begins and its slope. vpshufb looks up 16 bytes in each half of a
// vector, so every 16 entries are there twice.
struct alignas(32) TailBytes {
  std::uint8_t start_low[4][32];
  std::uint8_t start_high[4][32];
  std::uint8_t slope_low[4][32];
  std::uint8_t slope_high[4][32];

  constexpr explicit TailBytes(const GeluTail &tail) : start_low{}, start_high{}, slope_low{}, slope_high{} {
    for (std::size_t i = 0; i < 128; ++i) {
      const std::size_t chord = i / 32 * 16 + i % 16;
      const int start = tail[chord];
      const int slope = tail[chord + 1] - tail[chord];
      start_low[i / 32][i % 32] = static_cast<std::uint8_t>(start & 255);
      start_high[i / 32][i % 32] = static_cast<std::uint8_t>(start >> 8 & 255);
      slope_low[i / 32][i % 32] = static_cast<std::uint8_t>(slope & 255);
      slope_high[i / 32][i % 32] = static_cast<std::uint8_t>(slope >> 8 & 255);
    }
  }
};

} // namespace intvit::kernels::avx256
