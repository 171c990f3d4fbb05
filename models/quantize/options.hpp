// What a user may choose about a quantized model.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "kernels/residual.hpp"
#include "kernels/softmax.hpp"

namespace intvit {

// How the range of an activation follows from its calibration samples; range.hpp defines each.
enum class RangeMethod : std::uint8_t {
  minmax,     // the smallest and the largest value seen
  ema,        // those of batches of images, averaged
  percentile, // all but the outermost values of batches, averaged
  omse,       // the part of the minmax range with the least squared error of the activation itself
  mse,        // the part of the minmax range, in coarser steps, with the least squared error of the layer that reads it
};

// How the residual stream is stored between blocks.
enum class ResidualFormat : std::uint8_t {
  int16,      // 16-bit codes, one scale
  ptf8,       // 8-bit codes, a factor 2^0..2^7 and a zero point per channel
  ptf8_paper, // 8-bit codes, a factor 2^0..2^3 per channel and one zero point: FQ-ViT's form
  uniform8,   // 8-bit codes, one scale and one zero point
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
  // One scale and one integer zero point for each activation tensor, instead of scales and zero points of channels;
  // query, key and value share a scale and have zero point 0.
  bool per_tensor = false;
  // Round weights so that their errors make up for one another, not each to the nearest code.
  bool compensate = true;
  // Correct biases by the mean error that quantization leaves.
  bool correct_bias = true;
  // The largest weight of a row is 127.5 steps away from 0 and clamped to 127, as FQ-ViT's, instead of 127.
  bool clamp_largest_weight = false;
  WeightFormat weight_format = WeightFormat::int8;
  // stlq: the part of the weights that get a second word, from 0 to 1, and how they are chosen.
  double two_word_ratio = 0.15;
  Granularity two_word_granularity = Granularity::tile;
  int threads = 1;
};

// For the first and the last layer.
inline QuantizeOptions with_int8_weights(QuantizeOptions options) {
  options.weight_format = WeightFormat::int8;
  return options;
}

// FQ-ViT's choices as far as integers can follow them; docs/quantization.md, "As published".
inline QuantizeOptions published_options() {
  return {.range = RangeMethod::minmax,
          .residual = ResidualFormat::ptf8_paper,
          .softmax = kernels::Softmax::lis4,
          .renormalize = false,
          .per_tensor = true,
          .compensate = false,
          .correct_bias = false,
          .clamp_largest_weight = true};
}

} // namespace intvit
