// Float weights that are STLQ words already (docs/stlq.md, "Fine-tuning"), and the values that words have.
#pragma once

#include <cstdint>
#include <vector>

#include "models/architectures/weights.hpp"

namespace intvit::stlq {

// The value nearest to `weight` that one word, or the sum of two words, decodes to (kernels::stlq_value). Both are in
// units of U / 128.
std::int8_t nearest_value(double weight, bool two_words);

// Whether the layer's weights are words: it has scaling factors U for them.
bool has_words(const LinearWeights &layer);

// The weights of such a layer in units of U / 128: [out, in], row-major. Throws std::runtime_error where one is no sum
// of two words; the message is to be read after the tensor's name.
std::vector<std::int8_t> word_values(const LinearWeights &layer);

} // namespace intvit::stlq
