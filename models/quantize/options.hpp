// What a user may choose about a quantized model.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "kernels/residual.hpp"
#include "kernels/softmax.hpp"

namespace intvit {

// How the range of an activation channel follows from its calibration samples.
enum class RangeMethod : std::uint8_t {
  minmax, // the smallest and the largest value seen
  mse,    // the part of that range with the least squared error after quantization to 8 bits
};

// How the residual stream is stored between blocks.
enum class ResidualFormat : std::uint8_t {
  int16,      // 16-bit codes, one scale
  ptf8,       // 8-bit codes, a factor 2^0..2^7 and a zero point per channel
  ptf8_paper, // 8-bit codes, a factor 2^0..2^3 per channel and one zero point: FQ-ViT's form
};

struct QuantizeOptions {
  RangeMethod range = RangeMethod::mse;
  ResidualFormat residual = ResidualFormat::int16;
  kernels::Softmax softmax = kernels::Softmax::int16;
  // lis4, lis8: divide by the sum of the row's weights. Off: take the probabilities as FQ-ViT does, though they do not
  // add up to one.
  bool renormalize = true;
  // Strength of per-channel scales at the input of linear maps, from 0 (one scale a tensor) to 1 (every channel fills
  // its codes); empty: searched per layer.
  std::optional<double> channel_strength;
  // Round weights so that their errors make up for one another, not each to the nearest code.
  bool compensate = true;
  int threads = 1;
};

} // namespace intvit
