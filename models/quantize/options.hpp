// What a user may choose about a quantized model.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/ops/four_bits_storage.hpp"
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
  int4, // the same on a uniform scale, on which second words widen the range
};

// Whether some of the weights get a second word.
constexpr bool has_words(WeightLevels levels) {
  return levels == WeightLevels::stlq || levels == WeightLevels::int4;
}

// How many inputs get second words together: where few weights get one 8, whose marks take half as many bits as 4's.
constexpr double few_second_words = 0.1; // of all weights
constexpr int inputs_of_group(double two_word_ratio) {
  return two_word_ratio < few_second_words ? 8 : 4;
}

// How model files hold weights, with second words by groups of 4 or 8 inputs; null: int8.
constexpr const FourBitStorage *storage_of(WeightLevels levels, int group_inputs) {
  switch (levels) {
  case WeightLevels::stlq:
    return &four_bit_storage(kernels::WeightFormat::stlq_groups, 2, group_inputs);
  case WeightLevels::int4:
    return &four_bit_storage(kernels::WeightFormat::int4_wide, 2, group_inputs);
  case WeightLevels::int8:
  case WeightLevels::int7:
    break;
  }
  return nullptr;
}
constexpr kernels::WeightFormat format_of(WeightLevels levels) {
  return has_words(levels) ? storage_of(levels, 4)->format : kernels::WeightFormat::int8;
}

class WordDemand; // models/quantize/linear/two_words.hpp

// By what the errors of the blocks' linear maps count.
enum class ErrorMeasure : std::uint8_t {
  layer,       // what they change in the map's outputs, all tokens alike; each map has the same part of second words
  class_token, // the same, but where the end reads a class token that counts as much as all others together
  model,       // what they change in the model's outputs, for which all maps compete for second words
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
  int weight_bits = 8; // int8: as many as that, 2 to 8, are made use of, which shows what fewer would cost
  // stlq, int4: the part of the weights that get a second word, from 0 to 1.
  double two_word_ratio = 0.5;
  int group_inputs = 4;                      // so many get second words together: 4 or 8
  std::optional<ErrorMeasure> error_measure; // empty: see error_measure()
  RangeMargins margins;
  // Where tokens are merged, so that a forward takes less time.
  TokenSchedule tokens;
  // Leave room in the scores for tokens of any size, for merged_model().
  bool any_token_size = false;
  // The model also gives every patch's token; not with merged ones.
  bool patch_tokens = false;
  int threads = 1;
  PublishedOptions published;

  // While quantize() finds out what second words gain: where the maps tell it. And then the price of a second word,
  // whatever the ratio.
  WordDemand *demand = nullptr;
  std::optional<double> word_price;
};

// Where nothing was asked for, words are made by their model, which takes longer and gains them more than others. What
// is no photograph has class tokens of its own kind, from which nothing is to be learned.
inline ErrorMeasure error_measure(const QuantizeOptions &options, bool makes_words) {
  const ErrorMeasure of_integers = options.margins.widen() ? ErrorMeasure::layer : ErrorMeasure::class_token;
  return options.error_measure.value_or(makes_words ? ErrorMeasure::model : of_integers);
}

// For the first and the last layer.
inline QuantizeOptions with_int8_weights(QuantizeOptions options) {
  options.weight_levels = WeightLevels::int8;
  options.weight_bits = 8;
  return options;
}

} // namespace intvit
