#pragma once

#include "kernels/softmax.hpp"

namespace intvit {

// Softmax sees the distance of a score to the largest of its row, in steps from 0 to 255; so many steps halve the
// weight. With 16 the 255 steps span 16 halvings; with 32 they span 8, after which weights of 8 bits are 0 anyway.
int units_per_octave(kernels::Softmax softmax);

// The integer exp for that step, whose sum over a row of `tokens` scores cannot overflow.
kernels::ExpPolynomial exp_polynomial(kernels::Softmax softmax, int tokens);

} // namespace intvit
