// The layers of a ViT in float32, on matrices with one token a row. Pure functions; see models/reference/forward.hpp
// for the promise on bits.
#pragma once

#include "models/architectures/block.hpp"
#include "models/architectures/weights.hpp"

namespace intvit::reference {

// x weight^T + bias: [T, in] -> [T, out].
RowMatrix linear(const MatrixView &x, const LinearWeights &weights);

// Each row brought to mean 0 and variance 1: (x - mean) / sqrt(variance + eps), population variance. Statistics are
// taken in double. Not centred: x / sqrt(mean of x^2 + eps).
RowMatrix normalize(const MatrixView &x, double eps, bool centred = true);

// normalized * weight + bias, per column.
RowMatrix affine(const MatrixView &normalized, const LayerNormWeights &weights);

// affine(normalize(x, eps), weights).
RowMatrix layer_norm(const MatrixView &x, const LayerNormWeights &weights, double eps);

// x Phi(x), the exact ("erf") GELU, elementwise.
RowMatrix gelu(const MatrixView &x);

// The activation of an MLP, elementwise.
RowMatrix activate(const MatrixView &x, Activation activation);

// x / sqrt(sum x^2), each row; a row of zeros stays one. The sum is taken in double.
RowMatrix unit_length(const MatrixView &x);

// exp(x - row maximum) / row sum, each row.
RowMatrix softmax(const MatrixView &x);

} // namespace intvit::reference
