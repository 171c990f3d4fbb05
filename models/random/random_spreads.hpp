// What the codes of a random network are drawn for: how far its values spread, and what operations leave of that.
#pragma once

#include <cmath>
#include <numbers>

namespace intvit {

// Standard deviations that the requantizations aim at, in codes of their tensor.
constexpr double code_spread = 32;     // int8 activations: +-4 standard deviations fill the range
constexpr double pixel_spread = 74;    // uniform over 256 values
constexpr double weight_spread = 73.6; // uniform over [-127, 127]
constexpr double position_spread = 32767 / std::numbers::sqrt3;
constexpr double wide_stream_spread = 4000;  // 16-bit residual stream
constexpr double score_spread = 1.5;         // attention scores, before exp
constexpr double exp_score_variance = 9.488; // exp(score_spread^2); not every machine's exp() has the same last bit
constexpr double bias_spread = 0.5;          // position biases in attention scores, before exp
constexpr double gelu_input_spread = 1;      // a real number, not codes
constexpr double logit_spread = 1;           // likewise

// Of logits.
constexpr int logit_fraction_bits = 10;

// gelu() of a standard normal number has a mean of 0.28, in these codes.
constexpr int gelu_zero_point = -96;
constexpr int gelu_mean_code = -82;

// Of a product to 16-bit codes: a requantization is by less than 0.5.
constexpr double largest_product_factor = 0.35;

// The share of a value's variance that all tokens have in common, about.
constexpr double shared_variance = 0.25;

// The share of the stream's variance that comes from the branch that was added last.
constexpr double branch_variance = 0.1;

// What a matrix product of random codes and weights gives.
inline double accumulator_spread(int in_features, double input_spread, double weights = weight_spread) {
  return std::sqrt(static_cast<double>(in_features)) * weights * input_spread;
}

// What is left of a value's spread by a mean over tokens, whose weights' squares add up to that.
inline double mean_spread(double weights_squared) {
  return std::sqrt(shared_variance + (1 - shared_variance) * weights_squared);
}

} // namespace intvit
