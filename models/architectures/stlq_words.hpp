// The values that words of four bits have, and float weights that are STLQ words already (docs/stlq.md,
// "Fine-tuning").
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "engine/ops/four_bits_storage.hpp"
#include "models/architectures/weights.hpp"

namespace intvit::stlq {

// The nearest value that one word of a storage's scale, or one with a second word, decodes to (kernels/four_bits.hpp,
// engine/ops/four_bits_storage.hpp). In units of the decoded weights, which are U / 128 on the log scale.
//
// Decoded values are integers, so the midpoint between two neighbours is an integer or a half. All weights between two
// multiples of 1/2 therefore have the same nearest value, and a table of those intervals gives it.
class NearestValues {
public:
  NearestValues(const FourBitStorage &storage, bool two_words);

  std::int8_t operator()(double weight) const {
    return nearest_[static_cast<std::size_t>(std::clamp(2 * (weight + 128), 0.0, 511.0))];
  }

private:
  std::array<std::int8_t, 512> nearest_{};
};

// Whether the layer's weights are words: it has scaling factors U for them.
bool has_words(const LinearWeights &layer);

// The weights of such a layer in units of U / 128: [out, in], row-major. Throws std::runtime_error where one is no sum
// of two words; the message is to be read after the tensor's name.
std::vector<std::int8_t> word_values(const LinearWeights &layer);

// The storage of given words. Weights that have been trained since second words have two bits have values that these
// express; others are in tiles, with second words of four bits.
const FourBitStorage &storage_of_given(const std::vector<std::int8_t> &values);

} // namespace intvit::stlq
