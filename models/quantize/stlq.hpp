// Selective two-word logarithmic quantization (STLQ; Oh, Sim, Lee, Lee: Automated Log-Scale Quantization for Low-Cost
// Deep Neural Networks, CVPR 2021): the paper's codes, and which weights are given a second word.
//
// The paper counts the bits of a code's exponent: its 3 and 5 bits are codes of N = 4 and 6 here, the sign included, as
// its sizes in memory show. Model files hold words of N = 4 without the code -8 (kernels/stlq.hpp).
#pragma once

#include <cstdint>
#include <vector>

#include "engine/ops/stlq_weights.hpp"
#include "models/architectures/weights.hpp"
#include "models/quantize/options.hpp"

namespace intvit::stlq {

// LogQuant: the code in [-M, M - 1], M = 2^(bits - 1), of x with the scaling factor `unit` U > 0. Rounds in the log
// domain; x = 0 alone has the code 0, what is too small the code furthest from it.
int log_quantize(double x, double unit, int bits);

// LogDequant: U times 0 or sign(q) 2^-|q|.
double log_dequantize(int code, double unit);

// x as one word, and the second word of what that leaves, with the same U.
struct TwoWords {
  int first = 0;
  int second = 0;
  double first_residual = 0;  // r1 = x - LogQ(x)
  double second_residual = 0; // r2 = r1 - LogQ(r1)
};
TwoWords quantize_two_words(double x, double unit, int bits);

// What one word, or the sum of two, decodes to (kernels::stlq_value) that is nearest to `weight`, both in units of
// 2^-7 U.
std::int8_t nearest_value(double weight, bool two_words);

// Whether a decoded weight is one word's value.
bool is_one_word(std::int8_t value);

// The form in which model files hold decoded weights [out, in]: a tile has second words where one of its weights needs
// one.
StlqWeights words_of(const std::vector<std::int8_t> &values, int out);

// Weights that are words already (LinearWeights::stlq_unit), in units of 2^-7 U: [out, in], row-major. Throws
// std::runtime_error where one is not; its message goes on from the tensor's name.
std::vector<std::int8_t> given_values(const LinearWeights &layer);

// Which weights get a second word: bits [out, in] row-major. `squared_residuals`: r1^2 of every weight, times what an
// error of it costs. Groups of weights (elements, rows, tiles) are ranked by the sum of theirs, ||r1||^2; ties go to
// the first.
std::vector<bool> select_by_ratio(const RowMatrix &squared_residuals, Granularity granularity, double ratio);
// All groups whose ||r1|| is above `threshold`.
std::vector<bool> select_by_threshold(const RowMatrix &squared_residuals, Granularity granularity, double threshold);

} // namespace intvit::stlq
