// FQ-ViT's Log-Int-Softmax as its published code computes it, in double (models/ptq/layers.py, class QIntSoftmax, of
// github.com/megvii-research/FQ-ViT).
#pragma once

#include "kernels/softmax.hpp"
#include "tests/kernels/exact.hpp"

namespace intvit::test {

// exp of x <= 0 in units of `scale`, times FQ-ViT's constant and 2^30. x need not be whole: FQ-ViT divides real scores
// by their scale, which does not always give back the integer.
double fqvit_exp(double x, double scale);

// FQ-ViT's octave of x: how often ln 2 goes into it.
double fqvit_octave(double x, double scale);

// The code of exp / sum, exp > 0. With codes of b bits those of 2^b and above stand for probability 0.
int fqvit_code(double sum, double exp);

// The engine's form of the same rule: rational arithmetic, ties upward (docs/numerics.md, "log_int_softmax").
// 0 <= exp <= sum, 0 < sum; no_log_int_softmax_code for exp = 0.
int exact_code(Int128 sum, Int128 exp);

// The same polynomial in the integers of the engine.
kernels::ExpPolynomial fqvit_polynomial(double scale, int octaves);

} // namespace intvit::test
