// What a user may choose about a quantized model.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "kernels/linear.hpp"
#include "kernels/softmax.hpp"
#include "models/architectures/token_schedule.hpp"
#include "models/quantize/published.hpp"

namespace intvit {

// How the residual stream is stored between blocks.
enum class ResidualFormat : std::uint8_t {
  int16,      // 16-bit codes, one scale
  ptf8,       // 8-bit codes, a factor 2^0..2^7 and a zero point per channel
  ptf8_paper, // 8-bit codes, a factor 2^0..2^3 per channel and one zero point: FQ-ViT's form (published.hpp)
  int8,       // 8-bit codes, one scale and one zero point: what FQ-ViT compares with
};

// The values to which weights of the blocks' linear maps are rounded. The first and the last layer's are int8 always.
enum class WeightLevels : std::uint8_t {
  int8, // all integers of 8 bits
  int7, // integers of 7 bits, which AVX2 multiplies faster (kernels/x86/avx2_folded.hpp); stored as int8
  stlq, // one or two words of 4 bits on a log scale (kernels/four_bits.hpp)
  int4, // the same on a uniform scale
};

// Whether some of the weights get a second word.
constexpr bool has_words(WeightLevels levels) {
  return levels == WeightLevels::stlq || levels == WeightLevels::int4;
}

// int4's second words are of two bits by default and so are given to more weights.
constexpr double default_two_word_ratio(WeightLevels levels) {
  return levels == WeightLevels::int4 ? 0.5 : 0.15;
}

// Which weights of four bits get a second word together.
enum class TwoWordGroups : std::uint8_t {
  group,   // 4 inputs of one output
  tile,    // 64 outputs by 4 inputs: STLQ alone
  filter,  // a study: all inputs of one output
  element, // a study: each weight for itself; a file holds a group's second words where one of its weights has one
};

// The format in which model files hold them.
constexpr kernels::WeightFormat stored_format(WeightLevels levels, TwoWordGroups groups = TwoWordGroups::group) {
  switch (levels) {
  case WeightLevels::stlq:
    return groups == TwoWordGroups::tile ? kernels::WeightFormat::stlq_tiles : kernels::WeightFormat::stlq_groups;
  case WeightLevels::int4:
    return kernels::WeightFormat::int4;
  case WeightLevels::int8:
  case WeightLevels::int7:
    break;
  }
  return kernels::WeightFormat::int8;
}

// What a group of weights gains by second words, in the squared error of what counts errors, per weight.
struct GroupGain {
  float gain = 0;
  float weights = 0; // of the group
};
using GroupGains = std::vector<GroupGain>;

// By what the errors of the blocks' linear maps count.
enum class ErrorMeasure : std::uint8_t {
  layer, // what they change in the map's outputs; each map has the same part of second words
  model, // what they change in the model's outputs, for which all maps compete for second words
};

enum class Rounding : std::uint8_t {
  compensating, // each weight together with the errors that those before it in its row have left
  nearest,      // each weight to the nearest value
};

// How much further unseen images may reach than the calibration images: so many times wider are the ranges of the codes
// of linear maps' inputs, of which 1 is right for photographs like those that the model will see.
struct RangeMargins {
  double tokens = 1;
  double class_token = 1; // where one row of each image is used, a class token or a mean, and so little was seen

  bool widen() const { return tokens > 1 || class_token > 1; }
};

// For pictures that are no photographs (models/drawing). Chosen on photographs (docs/quantization.md).
inline constexpr RangeMargins margins_of_drawn_pictures{1.3, 2};

struct QuantizeOptions {
  ResidualFormat residual = ResidualFormat::int16;
  kernels::Softmax softmax = kernels::Softmax::int16;
  // Strength of per-channel scales at the input of linear maps, from 0 (one scale a tensor) to 1 (every channel fills
  // its codes); empty: searched per layer.
  std::optional<double> channel_strength;
  Rounding rounding = Rounding::compensating;
  // Correct biases by the mean error that quantization leaves.
  bool correct_bias = true;
  WeightLevels weight_levels = WeightLevels::int8;
  // stlq, int4: the part of the weights that get a second word, from 0 to 1, and how they are chosen.
  double two_word_ratio = default_two_word_ratio(WeightLevels::stlq);
  int second_word_bits = 2; // int4's: 2 or 4
  TwoWordGroups two_word_groups = TwoWordGroups::group;
  ErrorMeasure error_measure = ErrorMeasure::model; // of stlq and int4; the others' is their layer
  RangeMargins margins;
  // Where tokens are merged, so that a forward takes less time.
  TokenSchedule tokens;
  // Leave room in the scores for tokens of any size, for merged_model().
  bool any_token_size = false;
  // The model also gives every patch's token; not with merged ones.
  bool patch_tokens = false;
  int threads = 1;
  PublishedOptions published;

  // While quantize() finds out what second words gain: where the maps tell it, of which none gets any. And then: what a
  // group must gain, whatever the ratio.
  GroupGains *gains = nullptr;
  std::optional<double> least_gain;
};

// For the first and the last layer.
inline QuantizeOptions with_int8_weights(QuantizeOptions options) {
  options.weight_levels = WeightLevels::int8;
  return options;
}

} // namespace intvit
