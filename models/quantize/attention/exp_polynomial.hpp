#pragma once

#include "kernels/softmax.hpp"

namespace intvit {

// How many steps of the 8-bit distances to a row's largest score halve its weight. 255 steps span what the weights can
// tell apart: 16 octaves, or 8 octaves for int8, whose weights are then gone.
int units_per_octave(kernels::Softmax softmax);

// The integer exp for that step, fit for rows of `tokens` scores.
kernels::ExpPolynomial exp_polynomial(kernels::Softmax softmax, int tokens);

} // namespace intvit
