// Small float models of every kind, and their integer forms.
#pragma once

#include <memory>

#include "engine/runtime/model.hpp"
#include "models/architectures/float_model.hpp"
#include "models/quantize/options.hpp"

namespace intvit::test {

// 32 x 32 pixels in patches of 8, 32 channels, 3 blocks of 2 heads, 5 classes; random weights.
FloatModel small_vit(Pool pool = Pool::token, int prefix_tokens = 1);
// 64 x 64 pixels, 3 stages.
FloatModel small_swin();

// Quantized on random images.
std::shared_ptr<const Model> quantized(const FloatModel &model, const QuantizeOptions &options = {});

} // namespace intvit::test
