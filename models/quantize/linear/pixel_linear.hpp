#pragma once

#include "models/architectures/model_config.hpp"
#include "models/quantize/linear/quantized_linear.hpp"

namespace intvit {

// The patch embedding for pixels as they are, whose codes are pixel - 128: mean and std are folded into weights and
// bias, w (pixel / 255 - mean) / std. A row of weights then has the order of the image: y, x, colour.
QuantizedLinear quantize_pixel_linear(const LinearWeights &patch_embed, const ModelConfig &config,
                                      const QuantizeOptions &options);

} // namespace intvit
