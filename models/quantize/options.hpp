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

// What the weights of the blocks' linear maps may be. The first and the last layer's are int8 always.
enum class WeightFormat : std::uint8_t {
  int8,
  int4, // every 16th int8: what uniform 4 bits give, to compare with; stored as int8
  stlq, // one or two words of 4 bits on a log scale (stlq.hpp)
};

// Which weights get a second word together.
enum class Granularity : std::uint8_t {
  element, // each weight for itself
  filter,  // those of one output
  tile,    // 64 outputs by 4 inputs, as model files hold them
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
  WeightFormat weight_format = WeightFormat::int8;
  // stlq: the part of the weights that get a second word, from 0 to 1, and how they are chosen.
  double two_word_ratio = 0.15;
  Granularity two_word_granularity = Granularity::tile;
  int threads = 1;
};

} // namespace intvit
