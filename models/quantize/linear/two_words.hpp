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

// Decoded weights [out, in] in the form of model files. A tile has second words if at least one of its weights needs
// one.
StlqWeights words_of(const std::vector<std::int8_t> &values, int out);

// Which weights get a second word: bits [out, in], row-major. `squared_residuals` holds for every weight the square of
// what its first word leaves of it, times what an error of it costs. The groups of weights (elements, rows or tiles)
// with the largest sums are selected; of equal ones the first.
std::vector<bool> select_by_ratio(const RowMatrix &squared_residuals, TwoWordGroups kind, double ratio);

} // namespace intvit::stlq
