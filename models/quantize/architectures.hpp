// The quantizers of the architectures, one a translation unit: each builds its graph over the parts of emitter.hpp.
#pragma once

#include "models/architectures/float_model.hpp"
#include "models/quantize/quantize.hpp"

namespace intvit {

// As quantize(); `input.model` is `model`.
std::vector<std::byte> quantize_vit(const VitModel &model, const QuantizeInput &input, const QuantizeOptions &options,
                                    const Progress &progress);

std::vector<std::byte> quantize_swin(const SwinModel &model, const QuantizeInput &input, const QuantizeOptions &options,
                                     const Progress &progress);

} // namespace intvit
