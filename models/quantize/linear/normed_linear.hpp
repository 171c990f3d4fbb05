// A linear map of what a LayerNorm writes.
#pragma once

#include <limits>

#include "models/quantize/linear/quantized_linear.hpp"

namespace intvit {

// The LayerNorm writes gamma times a quotient; no finer codes than it can write.
CodeConstraint norm_constraint(const LayerNormWeights &norm);

// The bias of a linear map with a LayerNorm's beta folded in: bias + weight beta.
RowVector fold_beta(const LinearWeights &layer, const RowVector &beta);

// As quantize_linear(), with samples of the normalized values before gamma and beta. gamma is the input's gain, beta is
// folded into the bias.
QuantizedLinear quantize_normed_linear(const LinearWeights &layer, const LayerNormWeights &norm,
                                       const SiteSamples &normalized, const QuantizeOptions &options,
                                       double largest_scale = std::numeric_limits<double>::infinity());

} // namespace intvit
