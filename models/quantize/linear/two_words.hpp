// Which weights of four bits get a second word (selective two-word quantization, STLQ; Oh, Sim, Lee, Lee: Automated
// Log-Scale Quantization for Low-Cost Deep Neural Networks, CVPR 2021), and how model files hold the result.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/ops/four_bits_weights.hpp"
#include "models/architectures/weights.hpp"
#include "models/quantize/options.hpp"

namespace intvit {

// Decoded weights [out, in] in the form of model files. A group has second words if at least one of its weights needs
// one.
FourBitWeights words_of(kernels::WeightFormat format, const std::vector<std::int8_t> &values, int out);

// Which weights get a second word: bits [out, in], row-major. `squared_residuals` holds for every weight the square of
// what its first word leaves of it, times what an error of it costs. The groups of weights with the largest sums are
// selected; of equal ones the first.
std::vector<bool> select_by_ratio(const RowMatrix &squared_residuals, TwoWordGroups kind, double ratio);

// The same of those whose sums are at least `least`, per weight.
std::vector<bool> select_by_gain(const RowMatrix &squared_residuals, TwoWordGroups kind, double least);

// What the groups of a layer offer.
void add_gains(const RowMatrix &squared_residuals, TwoWordGroups kind, GroupGains &gains);

// What a group must offer, so that of the weights of all groups this part gets second words, or next to nothing less.
double least_gain(GroupGains gains, double ratio);

} // namespace intvit
