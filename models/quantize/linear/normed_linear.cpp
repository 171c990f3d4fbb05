#include "models/quantize/linear/normed_linear.hpp"

#include "models/quantize/codes/fixed_point.hpp"
#include "models/reference/matmul.hpp"

namespace intvit {

CodeConstraint norm_constraint(const LayerNormWeights &norm) {
  return requantizable(to_array(norm.weight) * quotient_unit);
}

RowVector fold_beta(const LinearWeights &layer, const RowVector &beta) {
  return layer.bias + reference::matmul_transposed(beta, layer.weight).row(0);
}

QuantizedLinear quantize_normed_linear(const LinearWeights &layer, const LayerNormWeights &norm,
                                       const SiteSamples &normalized, const QuantizeOptions &options,
                                       double largest_scale) {
  return quantize_linear({layer.weight, fold_beta(layer, norm.bias), layer.stlq_unit}, normalized,
                         {norm.weight, norm.bias}, options, norm_constraint(norm), largest_scale);
}

} // namespace intvit
