// Selective two-word logarithmic quantization (STLQ; Oh, Sim, Lee, Lee: Automated Log-Scale Quantization for Low-Cost
// Deep Neural Networks, CVPR 2021): which weights get a second word, and how model files hold the result.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/ops/stlq_weights.hpp"
#include "models/architectures/weights.hpp"
#include "models/quantize/options.hpp"

namespace intvit::stlq {

// Whether a decoded weight is one word's value.
bool is_one_word(std::int8_t value);

// The form in which model files hold decoded weights [out, in]: a tile has second words where one of its weights needs
// one.
StlqWeights words_of(const std::vector<std::int8_t> &values, int out);

// Which weights get a second word: bits [out, in] row-major. `squared_residuals`: r1^2 of every weight, r1 being what
// its first word leaves of it, times what an error of it costs. Groups of weights (elements, rows, tiles) are ranked by
// the sum of theirs, ||r1||^2; ties go to the first.
std::vector<bool> select_by_ratio(const RowMatrix &squared_residuals, TwoWordGroups kind, double ratio);

} // namespace intvit::stlq
